"""Submissions for the grader's tests: right answers, and a way to write notebooks with them."""

import json

from course_utils.exercises import exercises_of

IMPORTS = (
    "import numpy as np\nimport autograd.numpy as anp\nfrom course_utils.models import pca\n"
    "from course_utils.checking import check, hint, progress"
)
ANSWERS = {
    "log_mean_exp": (
        """
def log_mean_exp(a):
    m = np.max(a)
    return m + np.log(np.mean(np.exp(a - m)))"""
    ),
    "pca_fit": (
        """
def pca_fit(x, K):
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh((x - mean).T @ (x - mean))
    return mean, vectors[:, ::-1][:, :K].T"""
    ),
    "pca_encode": (
        """
def pca_encode(x, mean, components):
    return (x - mean) @ components.T"""
    ),
    "pca_decode": (
        """
def pca_decode(z, mean, components):
    return mean + z @ components"""
    ),
    "projected_variance": (
        """
def projected_variance(x, components):
    return (x @ components.T).var(axis=0).sum()"""
    ),
    "residual_variance": (
        """
def residual_variance(x, components):
    centred = x - x.mean(axis=0)
    return np.mean(np.sum((centred - centred @ components.T @ components) ** 2, axis=1))"""
    ),
    "linear_ae_gradients": (
        """
def linear_ae_gradients(x, U, V):
    z = x @ V.T
    off = 2 * (z @ U.T - x) / len(x)
    return off.T @ z, (off @ U).T @ x"""
    ),
    "linear_ae_train": (
        """
def linear_ae_train(x, K, steps, rng):
    U, V = 0.3 * rng.normal(size=(x.shape[1], K)), 0.3 * rng.normal(size=(K, x.shape[1]))
    S = x.T @ x / len(x)
    for _ in range(steps):
        off = U @ V @ S - S
        U, V = U - 0.1 * off @ V.T, V - 0.1 * U.T @ off
    return U, V"""
    ),
    "subspace_angle": (
        """
def subspace_angle(A, B):
    P, Q = np.linalg.qr(A)[0], np.linalg.qr(B)[0]
    return np.arcsin(min(1, np.linalg.norm(Q - P @ (P.T @ Q), 2)))"""
    ),
    "choose_k": (
        """
def choose_k(eigenvalues, fraction):
    share = np.cumsum(eigenvalues) / np.sum(eigenvalues)
    return int(np.argmax(share >= fraction - 1e-12)) + 1"""
    ),
}
START, PCA = "00_start_here", "01_pca_linear_autoencoder"


def student_cells(notebook, **answers):
    """Code cells of a student's copy: each answer as given, a stub where none is, and the check after it."""
    cells = [IMPORTS]
    for name, exercise in exercises_of(notebook).items():
        stub = f"def {exercise.signature}:\n    raise NotImplementedError"
        cells += [answers.pop(name, stub).strip(), f"{name} = check({name})"]
    assert not answers, f"no exercises of {notebook}: {list(answers)}"
    return cells


def solved(notebook, **other):
    """Code cells with every answer right but the given ones."""
    return student_cells(notebook, **{name: ANSWERS[name] for name in exercises_of(notebook)} | other)


def notebook_json(cells, metadata=None):
    """A notebook file with these code cells, each after a bit of prose."""
    both = [
        cell
        for source in cells
        for cell in (
            {"cell_type": "markdown", "metadata": {}, "source": ["# prose"]},
            {
                "cell_type": "code",
                "metadata": {},
                "source": source.splitlines(True),
                "outputs": [],
                "execution_count": None,
            },
        )
    ]
    return json.dumps({"cells": both, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 4})


def hand_in(root, path, content):
    """Writes cells, text or bytes to root/path."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    content = notebook_json(content) if isinstance(content, list) else content
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file
