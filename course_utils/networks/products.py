"""Matrix products. In the browser numpy has no BLAS, and scipy's takes a half to an eighth of its time.

What the library computes asks for `matmul`; what a notebook's cells write as a @ b is made to ask for it, there.
"""

import ast
import builtins
import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.networks.arrays import Array


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
    gemm = gemm_of(kind := np.result_type(a, b))
    if gemm is None or a.ndim < 2 or b.ndim != 2 or 0 in (*a.shape, *b.shape):
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


def in_cells_of(shell: Any) -> None:
    """From its next cell on, products in the cells of this IPython go through `blas_matmul`."""
    setattr(builtins, Products.NAME, blas_matmul)
    if not any(isinstance(other, Products) for other in shell.ast_transformers):
        shell.ast_transformers.append(Products())


matmul = blas_matmul if sys.platform == "emscripten" else plain_matmul
