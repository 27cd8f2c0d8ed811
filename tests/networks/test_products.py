"""Matrix products by scipy's BLAS, as the browser takes them, against numpy's."""

import ast
import builtins
import importlib.util
import inspect
import sys
from pathlib import Path

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from scipy import sparse

from course_utils.models import pca
from course_utils.networks import products
from course_utils.networks.products import Products, blas_matmul, in_browser, plain_matmul

RNG = np.random.default_rng(3)
SHAPES = [
    ((5, 4), (4, 3)),
    ((1, 4), (4, 1)),
    ((2, 5, 4), (4, 3)),
    ((0, 4), (4, 3)),
    ((4,), (4, 3)),
    ((2, 5, 4), (2, 4, 3)),
]


@pytest.fixture(autouse=True)
def small_products_too(monkeypatch):
    monkeypatch.setattr(products, "SMALL", 0)


@pytest.fixture
def browser(monkeypatch):
    """`in_browser` for a shell, undone afterwards; returns (shell, list that gets an entry for every product)."""
    asked, real, names = [], blas_matmul, np.cov.__wrapped__.__globals__
    monkeypatch.setattr(products, "blas_matmul", lambda a, b, out=None: (asked.append(1), real(a, b, out))[1])
    monkeypatch.setattr(builtins, Products.NAME, None, raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setitem(names, "dot", names["dot"])
    shell = InteractiveShell()
    in_browser(shell)
    in_browser(shell)  # a notebook that is run twice
    return shell, asked


def views(a):
    """The array in the orders that networks bring: as it is, transposed in memory, every other row of a larger one."""
    turned = np.ascontiguousarray(np.swapaxes(a, -1, -2)) if a.ndim > 1 else a.copy()
    larger = np.repeat(a, 2, axis=0)[::2]
    return [a, np.swapaxes(turned, -1, -2) if a.ndim > 1 else turned, larger]


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("types", [("f4", "f4"), ("f8", "f8"), ("f4", "f8"), ("i8", "f8")], ids=str)
def test_the_product_is_numpys(shapes, types):
    a, b = ((10 * RNG.normal(size=shape)).astype(kind) for shape, kind in zip(shapes, types))
    for left in views(a):
        for right in views(b):
            product = blas_matmul(left, right)
            assert product.dtype == (left @ right).dtype and product.shape == (left @ right).shape
            np.testing.assert_allclose(product, left @ right, rtol=1e-4 if types[0] == "f4" else 1e-12, atol=1e-4)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_out_is_written_whatever_stood_in_it(kind, order):
    a, b = RNG.normal(size=(5, 4)).astype(kind), RNG.normal(size=(4, 3)).astype(kind)
    out = np.full((5, 3), np.nan, kind, order=order)
    assert blas_matmul(a, b, out) is out
    np.testing.assert_allclose(out, a @ b, rtol=1e-5)
    assert plain_matmul(a, b, out) is out


def test_shapes_that_do_not_fit_are_numpys_error():
    with pytest.raises(ValueError, match="mismatch"):
        blas_matmul(np.ones((2, 3)), np.ones((4, 5)))
    with pytest.raises(ValueError, match="mismatch"):
        blas_matmul(np.ones((2, 3)), np.ones((3, 5)), np.ones((2, 4)))


@pytest.mark.parametrize("product", [blas_matmul, plain_matmul])
def test_autograd_may_look_on(product):
    b = RNG.normal(size=(4, 3))
    gradient = autograd.grad(lambda a: anp.sum(product(a, b) ** 2))(np.ones((2, 4)))
    np.testing.assert_allclose(gradient, 2 * (np.ones((2, 4)) @ b) @ b.T)


def test_a_network_learns_the_same_with_either(monkeypatch):
    """The layers' gradients, through all that asks for products."""
    from course_utils.networks import fast, flat

    h, W, b = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=3)
    results = []
    for product in (plain_matmul, blas_matmul):
        monkeypatch.setattr(fast, "matmul", product)
        monkeypatch.setattr(flat, "matmul", product)
        results.append(autograd.grad(lambda p: anp.sum(fast.dense_tanh(h, *p) ** 2))((W, b)))
    for one, other in zip(*results):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_products_in_the_cells_of_a_notebook_go_through_blas(browser):
    """Those that stand in a cell, in functions too, once each."""
    shell, asked = browser
    shell.user_ns |= {"a": RNG.normal(size=(5, 4)), "b": RNG.normal(size=(4, 3))}
    for cell in ("f = lambda c, d: c @ d", "def g(c, d):\n    return (c @ d).T @ (c @ d)", "x, y = f(a, b), g(a, b)"):
        assert shell.run_cell(cell).success
    assert len(asked) == 4
    a, b = shell.user_ns["a"], shell.user_ns["b"]
    np.testing.assert_allclose(shell.user_ns["x"], a @ b)
    np.testing.assert_allclose(shell.user_ns["y"], (a @ b).T @ (a @ b))


def test_so_do_those_of_the_librarys_modules_and_their_sources_stay_as_they_are(browser, monkeypatch):
    _, asked = browser
    kept = importlib.util.cache_from_source(pca.__file__)
    before = Path(kept).read_bytes() if Path(kept).exists() else b""
    monkeypatch.delitem(sys.modules, "course_utils.models.pca")
    again = importlib.import_module("course_utils.models.pca")
    monkeypatch.setattr(sys.modules["course_utils.models"], "pca", pca)  # as it was
    x, C = RNG.normal(size=(5, 4)), RNG.normal(size=(2, 4))
    np.testing.assert_allclose(again.pca_encode(x, x[0], C), pca.pca_encode(x, x[0], C))
    assert len(asked) == 1
    assert inspect.getsource(again) == inspect.getsource(pca)
    assert (Path(kept).read_bytes() if Path(kept).exists() else b"") == before  # others run it as it is
    assert sys.modules["course_utils.networks.products"] is products
    assert importlib.util.find_spec("json").loader.__class__ is not products.Loader


@pytest.mark.parametrize("rowvar", [True, False])
def test_so_does_a_covariance(browser, rowvar):
    _, asked = browser
    x = RNG.normal(size=(6, 4)).astype("f4")
    centred = (x - x.mean(axis=1, keepdims=True)).T if rowvar else x - x.mean(axis=0)
    np.testing.assert_allclose(np.cov(x, rowvar=rowvar, bias=True), centred.T @ centred / len(centred), rtol=1e-5)
    assert len(asked) == 1 and np.cov(x[0]).shape == ()
    assert np.corrcoef(x).shape == (6, 6)


def test_a_product_in_a_cell_is_the_operators_for_whatever_else_stands_there():
    assert blas_matmul(np.ones(3), np.ones(3)) == 3.0
    assert blas_matmul(sparse.eye(3), np.ones((3, 2))).shape == (3, 2)
    assert type(blas_matmul(np.matrix(np.eye(3)), np.ones((3, 2)))) is np.matrix
    with pytest.raises(TypeError, match="@"):
        blas_matmul([1.0], [2.0])


def test_an_error_is_shown_where_the_product_stands():
    tree = Products().visit(ast.parse("first = 1\nx = (a +\n     b @ c)"))
    (call,) = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    assert (call.lineno, call.col_offset, call.func.lineno) == (3, 5, 3)
