"""Matrix products. In the browser numpy has no BLAS, and scipy's takes a half to an eighth of its time.

What takes most of the time asks for `matmul`. What else is written as a @ b, in the library and in the cells of a
notebook, is made to go the same way there, and so are the products of `np.cov`, see `in_browser`.
"""

import ast
import builtins
import functools
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from typing import Any

import numpy as np

from course_utils.networks.arrays import Array

SMALL = 2**14  # multiplications: with fewer, asking BLAS takes longer than it saves


def plain_matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """a @ b, written into `out` where one is given; without `out` autograd may look on."""
    return a @ b if out is None else np.matmul(a, b, out=out)


@functools.cache
def gemm_of(dtype: np.dtype) -> Callable | None:
    """BLAS's product for a type of numbers, or None."""
    from scipy.linalg import blas  # here: it takes a tenth of a second, and only browsers need it

    name = {np.dtype(np.float32): "sgemm", np.dtype(np.float64): "dgemm"}.get(dtype)
    return getattr(blas, name) if name else None


def blas_matmul(a: Array, b: Array, out: Array | None = None) -> Array:
    """a @ b as `plain_matmul` gives it, by scipy's BLAS where the result is of its types of numbers.

    a (..., n, k), b (k, m) -> (..., n, m). BLAS counts along columns, so that it gets (a b)^T = b^T a^T. Whatever it
    has no way for goes to numpy.
    """
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        return plain_matmul(a, b, out)
    if a.ndim < 2 or b.ndim != 2 or a.size * b.shape[1] < SMALL or not b.size:
        return plain_matmul(a, b, out)
    gemm = gemm_of(kind := np.result_type(a, b))
    if gemm is None:
        return plain_matmul(a, b, out)
    a, b = a.astype(kind, copy=False), b.astype(kind, copy=False)
    if a.ndim > 2:
        return plain_matmul(a, b, out) if out is not None else _rows(a, b)
    if a.shape[1] != b.shape[0] or (out is not None and out.shape != (a.shape[0], b.shape[1])):
        return plain_matmul(a, b, out)  # whose error says what is wrong
    x, x_turned = (b.T, 0) if b.flags.c_contiguous else (b, 1)
    y, y_turned = (a.T, 0) if a.flags.c_contiguous else (a, 1)
    if out is not None and out.flags.c_contiguous and out.dtype == a.dtype:
        gemm(1, x, y, c=out.T, overwrite_c=1, trans_a=x_turned, trans_b=y_turned)
        return out
    product = gemm(1, x, y, trans_a=x_turned, trans_b=y_turned).T
    if out is None:
        return product
    out[...] = product
    return out


def _rows(a, b):
    """a @ b of a (..., n, k) as one product of all its rows."""
    return blas_matmul(a.reshape(-1, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])


class Products(ast.NodeTransformer):
    """Puts a call of `matmul`, by its NAME among the builtins, in place of each a @ b of a syntax tree."""

    NAME = "_matmul_of_the_course"

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """The call, where the operator is @; its place in the text is the product's."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.MatMult):
            return node
        call = ast.Call(ast.Name(self.NAME, ast.Load()), [node.left, node.right], [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


class Loader(SourceFileLoader):
    """Loads a module of the library with its products changed so; its source is shown as it is."""

    def path_stats(self, path: Any) -> Any:
        """Nothing: what is compiled here is not to be kept, and what others have kept is not to be had."""
        raise OSError("this module is compiled anew")

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> Any:
        """What Python runs of the source."""
        return compile(Products().visit(ast.parse(data)), path, "exec", dont_inherit=True, optimize=_optimize)


class Finder(PathFinder):
    """Finds the library's modules for `Loader`, but for this one, which is loaded already."""

    @classmethod
    def find_spec(cls, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Where the module lies; None for what is not the library's."""
        spec = super().find_spec(fullname, path, target) if fullname.startswith("course_utils.") else None
        if spec and spec.origin and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(fullname, spec.origin)
        return spec


def blas_dot(a: Any, b: Any, out: Any = None) -> Any:
    """np.dot(a, b), of two matrices as `blas_matmul` does it."""
    return blas_matmul(a, b) if out is None and np.ndim(a) == np.ndim(b) == 2 else np.dot(a, b, out)


def in_browser(shell: Any) -> None:
    """From now on, products go through `blas_matmul`: in the modules of the library that are still to be imported, in
    the next cells of this IPython, and in `np.cov` and `np.corrcoef`."""
    setattr(builtins, Products.NAME, blas_matmul)
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)
    if shell and not any(isinstance(other, Products) for other in shell.ast_transformers):
        shell.ast_transformers.append(Products())
    names = getattr(np.cov, "__wrapped__", np.cov).__globals__
    if names.get("dot") is np.dot:
        names["dot"] = blas_dot


matmul = blas_matmul if sys.platform == "emscripten" else plain_matmul
