"""A small model with two latents, for tests of integrals over them."""

import numpy as np

from course_utils.networks import nets

D = 16


def small_model():
    """(encoder, decoder, three examples) with D pixels and two latents."""
    rng = np.random.default_rng(0)
    encoder, decoder = nets.init_mlp([D, 8, 4], rng), [(2 * W, b) for W, b in nets.init_mlp([2, 8, D], rng)]
    return encoder, decoder, (rng.random((3, D)) < 0.5).astype("f4")
