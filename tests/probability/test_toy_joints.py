"""The small models: their densities against scipy, their closed forms against general formulas."""

import numpy as np
import pytest
from scipy import stats

from course_utils.probability import toy_joints
from course_utils.probability.toy_joints import BENT_ETA, BENT_X, DENSE, FAINT, LINEAR, SHARP

MODELS = [
    (toy_joints.linear_log_joint, LINEAR),
    (toy_joints.faint_log_joint, FAINT),
    (toy_joints.dense_log_joint, DENSE),
    (toy_joints.sharp_log_joint, SHARP),
]


@pytest.mark.parametrize("log_joint, model", MODELS)
def test_joint_densities_by_scipy(log_joint, model):
    for z in (-1.3, 0.2, 2.0):
        likelihood = stats.norm.logpdf(model.x, model.w * z + model.b, np.sqrt(model.eta)).sum()
        assert log_joint(z) == pytest.approx(stats.norm.logpdf(z) + likelihood)


def test_the_bent_joint_by_scipy():
    for z in (-1.3, 0.2, 2.0):
        likelihood = stats.multivariate_normal([0.4 * z, z**2], BENT_ETA).logpdf(BENT_X)
        assert toy_joints.bent_log_likelihood(z) == pytest.approx(likelihood)
        assert toy_joints.bent_log_joint(z) == pytest.approx(likelihood + stats.norm.logpdf(z))


@pytest.mark.parametrize("log_joint", [*[joint for joint, _ in MODELS], toy_joints.bent_log_joint])
def test_any_shape_in_the_same_shape_out(log_joint):
    z = np.linspace(-2, 2, 6)
    np.testing.assert_array_equal(log_joint(z.reshape(2, 3)).ravel(), log_joint(z))
    assert log_joint(z.tolist()).shape == (6,) and np.shape(log_joint(0.5)) == ()


@pytest.mark.parametrize("log_joint, model", MODELS)
def test_closed_forms_by_the_full_covariance(log_joint, model):
    covariance, r = np.outer(model.w, model.w) + model.eta * np.eye(len(model.x)), model.x - model.b
    evidence = -0.5 * (np.linalg.slogdet(2 * np.pi * covariance)[1] + r @ np.linalg.solve(covariance, r))
    assert toy_joints.linear_log_evidence(model) == pytest.approx(evidence, rel=1e-9)
    m, s = toy_joints.linear_posterior(model)
    for z in (m - s, m + 2 * s):  # Bayes: log p(z | x) = log p(x, z) - log p(x)
        assert stats.norm.logpdf(z, m, s) == pytest.approx(log_joint(z) - evidence, abs=1e-7)


def test_the_models_are_what_they_are_for():
    z = np.linspace(-5, 5, 1001)
    assert np.all(np.exp(toy_joints.faint_log_joint(z)) == 0)
    bent = toy_joints.bent_log_joint(z)
    assert np.sum((bent[1:-1] > bent[:-2]) & (bent[1:-1] > bent[2:])) == 2  # modes
