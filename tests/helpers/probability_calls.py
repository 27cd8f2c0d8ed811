"""A valid call of every public function of the room probability, for tests that change what goes in."""

import ast
import importlib
from pathlib import Path

import numpy as np

import course_utils.probability
from course_utils.probability import toy_decoders

ROOM = Path(course_utils.probability.__file__).parent
x, mean, z = (np.array(rows) for rows in ([[0, 250], [9, 4], [3, 200]], [[17, 1], [90, 7], [3, 2]], [[1], [250], [16]]))
logs, grid, one = np.array([[1, 0], [2, 1], [0, 3]]), np.array([0, 3, 5, 200]), np.array([1])
eps = np.array([[[3], [0], [2]], [[1], [4], [20]]])  # (S, N, K)
S = np.array([[[20, 3], [3, 200]]])  # (C, K, K)
pixels, q = np.array([[0, 1], [1, 1], [1, 0]]), np.array([0, 1, 0, 0])


def log_joint(z):
    return -(z**2) / 7


# A call of every public function: arguments of any type but array go in as they are.
CALLS = {
    "bounds.jensen_gap": (np.sqrt, np.array([3, 200, 5]), np.array([0, 1, 0])),
    "bounds.iwae_bound": (x,),
    "divergences.kl_categorical": (np.array([0, 1, 0]), np.array([0, 1, 0])),
    "divergences.kl_on_grid": (np.array([0, 1, 2, 0]), np.array([3, 1, 0, 200]), grid),
    "gaussian_mixture.gmm_log_prob": (x, (one, mean[:1], S)),
    "gaussian_mixture.gmm_fit": (x, 1, 2, 0),
    "gaussian_mixture.gmm_sample": ((one, mean[:1], S), 3, 0),
    "gaussians.diagonal_gaussian_log_prob": (x, mean, logs),
    "gaussians.kl_standard_normal": (mean, logs),
    "gaussians.kl_gaussians": (mean, logs, x, logs[::-1]),
    "gaussians.kl_monte_carlo": (z, logs[:, :1], eps),
    "gaussians.kl_to_point_mass": (mean[0], grid[1:]),
    "gaussians.point_mass_limit": (grid[1:], 5, 2),
    "grids.trapezoid_weights": (grid,),
    "grids.integrate": (np.array([20, 200, 3, 1]), grid),
    "grids.gaussian_on_grid": (grid, 5, 100),
    "grids.log_evidence_on_grid": (log_joint, grid),
    "grids.posterior_on_grid": (log_joint, grid),
    "grids.elbo_on_grid": (log_joint, q, grid),
    "grids.gap_on_grid": (log_joint, q, grid),
    "likelihoods.gaussian_log_prob": (x, mean, 3),
    "likelihoods.bernoulli_log_prob": (pixels, mean),
    "marginals.log_marginal_linear": (x, z[:2], mean[0], 3),
    "marginals.log_marginal_quadrature": (x, toy_decoders.helix, 3, grid),
    "marginals.log_marginal_monte_carlo": (x, toy_decoders.half_moon, 3, eps),
    "marginals.log_marginal_importance": (x, toy_decoders.half_moon, 3, z, logs[:, :1], eps),
    "mixtures.mixture_log_joint": (grid, one, one, 7 * one),
    "mixtures.mixture_log_prob": (grid, one, one, 7 * one),
    "mixtures.em_e_step": (grid, one, one, 7 * one),
    "mixtures.em_m_step": (grid, np.array([[1, 0], [1, 0], [0, 1], [0, 1]])),
    "mixtures.mixture_elbo": (grid, np.ones((4, 1), int), one, one, 7 * one),
    "numerics.log_mean_exp": (x,),
    "numerics.bound_terms": (x, mean),
    "numerics.quiet_log": (x + 1,),
    "numerics.log_sum_exp": (x, 0),
    "ring.ring_log_prob": (x,),
    "ring.ring_shares": (x,),
    "ring.ring_sample": (3, 0),
    "toy_decoders.arc": (z, 2),
    **{f"toy_decoders.{name}": (z,) for name in ("half_moon", "spiral", "helix", "line")},
    **{f"toy_decoders.{name}": (x,) for name in ("plane", "bowl", "waves")},
    **{f"toy_joints.{name}_log_joint": (z,) for name in ("linear", "faint", "dense", "sharp", "bent")},
    "toy_joints.log_prior": (z,),
    "toy_joints.bent_decoder": (z,),
    "toy_joints.bent_log_likelihood": (z,),
}
CALLS["marginals.log_marginal_quadrature"] = (np.c_[x, x[:, 0]], *CALLS["marginals.log_marginal_quadrature"][1:])
OTHERS = {"toy_joints.linear_log_evidence", "toy_joints.linear_posterior", "ring.ring_entropy"}  # take no arrays


def public_functions():
    """ "module.name" of every public function of the room but the checks themselves, read from the sources."""
    for path in sorted(ROOM.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and path.stem != "expecting":
                yield f"{path.stem}.{node.name}"


def called(name, args):
    """The results, in one tuple; a last argument of 0 is the seed of a generator."""
    module, function = name.split(".")
    if name in ("gaussian_mixture.gmm_fit", "gaussian_mixture.gmm_sample", "ring.ring_sample"):
        args = (*args[:-1], np.random.default_rng(args[-1]))
    with np.errstate(divide="ignore"):
        value = getattr(importlib.import_module(f"course_utils.probability.{module}"), function)(*args)
    return value if isinstance(value, tuple) else (value,)
