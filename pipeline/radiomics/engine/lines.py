"""Boxes of voxels, and arrays as lines of voxels along one axis: the form in which the kernels of filters take them."""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Box = tuple[slice, ...]
Rows = NDArray[Any]
# Lines that are filtered side by side: their buffers stay in the second-level cache, and an odd number of cache lines
# (7 times 64 bytes) per row spreads columns over all sets of the cache. A constant, so that the rows before and after
# one are at constant distances in memory.
WIDTH = 56


class Lines(NamedTuple):
    """A C-contiguous array as `outer` groups of `lines` lines of `n` voxels along one axis.

    `flat` is the array in one dimension, a view; voxel i of line k of group o is at o * outer_step + i * step + k *
    line_step. Numbers instead of the strides of an array, so that a kernel is compiled once for all axes.
    """

    flat: NDArray[Any]
    outer: int
    n: int
    lines: int
    outer_step: int
    step: int
    line_step: int


def lines_along(array: NDArray[Any], axis: int) -> Lines:
    """A C-contiguous `array` (any number of axes) as lines along `axis`."""
    n, flat = array.shape[axis], array.reshape(-1)
    if axis == array.ndim - 1:
        return Lines(flat, 1, n, flat.size // n, 0, 1, n)
    lines = int(np.prod(array.shape[axis + 1 :], dtype=np.int64))
    return Lines(flat, flat.size // (n * lines), n, lines, n * lines, lines, 1)


@njit(cache=True, nogil=True)
def load_rows(source: Lines, start: int, number: int, rows: Rows) -> None:
    """Copy `number` lines, the first of which begins at `start`, into `rows`, flat, n rows of WIDTH numbers."""
    if source.line_step == 1:
        for i in range(source.n):
            there = rows[i * WIDTH : i * WIDTH + number]
            here = source.flat[start + i * source.step : start + i * source.step + number]
            for k in range(number):
                there[k] = here[k]
        return
    for k in range(number):  # along x: in the order of memory
        here = source.flat[start + k * source.line_step : start + k * source.line_step + source.n]
        for i in range(source.n):
            rows[np.uint64(i * WIDTH + k)] = here[i]


@njit(cache=True, nogil=True)
def store_rows(rows: Rows, first: int, out: Lines, start: int, number: int) -> None:
    """Copy `rows` from row `first` on into `number` lines of `out`, the first of which begins at `start`."""
    if out.line_step == 1:
        for i in range(out.n):
            here = rows[(first + i) * WIDTH : (first + i) * WIDTH + number]
            there = out.flat[start + i * out.step : start + i * out.step + number]
            for k in range(number):
                there[k] = here[k]
        return
    for k in range(number):
        there = out.flat[start + k * out.line_step : start + k * out.line_step + out.n]
        for i in range(out.n):
            there[i] = rows[np.uint64((first + i) * WIDTH + k)]


def bounding_box(inside: NDArray[np.bool_]) -> Box | None:
    """The smallest box that holds every voxel `inside`; None if there is none."""
    box: list[slice] = []
    for axis in range(inside.ndim):
        part = inside[tuple(box)]  # the axes before are cut already
        found = np.flatnonzero(part.any(axis=tuple(other for other in range(inside.ndim) if other != axis)))
        if not found.size:
            return None
        box.append(slice(int(found[0]), int(found[-1]) + 1))
    return tuple(box)
