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

    def one(ink):
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        if not len(rows):
            return 0.0
        box = ink[rows[0] - 1 : rows[-1] + 2, columns[0] - 1 : columns[-1] + 2]  # no larger than it has to be
        # from a pixel's centre; the edge runs half a fine pixel before the centre of the first one outside
        return 4 * (ndimage.distance_transform_edt(box)[box].mean() - 0.5) / FINER

    # a finer grid by linear interpolation, for all images at once: a matrix for the rows and one for the columns
    down, across = (ndimage.zoom(np.eye(n), (FINER, 1), order=1, mode="nearest", grid_mode=True) for n in shape)
    fine = down @ np.asarray(images, float).reshape(-1, *shape) @ across.T
    return np.array([one(ink) for ink in np.pad(fine > 0.5, ((0, 0), (1, 1), (1, 1)))])


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
