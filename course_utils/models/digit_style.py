"""Two measures of handwriting that do not depend on what is written: how far it leans, and how thick the pen was."""

import numpy as np
from numpy.random import Generator

from course_utils.networks.arrays import Array

FINER = 3  # pixels are split into FINER x FINER before distances are measured: strokes are only a few wide


def slant(images: Array, shape: tuple[int, int]) -> Array:
    """The angle of lean in degrees, positive to the right: arctan of the shear that the second moments show.

    With x to the right, y up and ink as weight, the horizontal line x = m y fits the ink best (least squares in x) for
    m = E[x y] / E[y^2], about the centre of the ink. images (N, H W), not negative -> (N,).
    """
    images = np.asarray(images, float).reshape(-1, *shape)
    ink = images.sum(axis=(1, 2))
    if images.min() < 0 or np.any(ink <= 0):
        raise ValueError("slant expects images with ink: no negative pixels, and not all of an image's pixels 0")
    across, up = np.arange(shape[1]), -np.arange(shape[0])[:, None]

    def mean(values):
        return np.sum(images * values, axis=(1, 2)) / ink

    x, y = (across - mean(across)[:, None, None]), (up - mean(up)[:, None, None])
    return np.degrees(np.arctan2(mean(x * y), mean(y * y)))


def stroke_thickness(images: Array, shape: tuple[int, int]) -> Array:
    """The mean width of the strokes in pixels: 4 times the mean distance of the ink (pixels above 0.5) to its edge.

    Across a straight stroke of width w the distances to the nearer edge rise from 0 to w / 2 and fall again: w / 4 on
    average. images (N, H W) between 0 and 1 -> (N,), good to about 0.3 pixels in any direction; 0 where nothing is
    above 0.5.
    """

    from scipy import ndimage  # here: it loads much else

    def one(image):
        fine = ndimage.zoom(image, FINER, order=1, mode="nearest", grid_mode=True)
        ink = np.pad(fine > 0.5, 1)
        # from a pixel's centre; the edge runs half a fine pixel before the centre of the first one outside
        distances = ndimage.distance_transform_edt(ink)[ink] - 0.5
        return 4 * distances.mean() / FINER if len(distances) else 0.0

    return np.array([one(image) for image in np.asarray(images, float).reshape(-1, *shape)])


def without_label_means(values: Array, labels: Array) -> Array:
    """values (N,) less the mean of those with the same label: what is left is style, not class."""
    values, labels = np.asarray(values, float), np.asarray(labels)
    _, of = np.unique(labels, return_inverse=True)
    return values - (np.bincount(of, values) / np.bincount(of))[of]


def shuffle_within(labels: Array, rng: Generator) -> Array:
    """A random permutation (N,) of indices that leaves every label where it is: partners change within a class."""
    labels = np.asarray(labels)
    order = np.arange(len(labels))
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        order[mine] = rng.permutation(mine)
    return order
