"""Laplacian of Gaussian by recursive filters: the values of ITK's filter, computed only for the box of the ROI.

PyRadiomics calls ITK's LaplacianRecursiveGaussianImageFilter, which filters one line of voxels after another. Here the
same recursions (Deriche, INRIA RR-1893, 1993; Farnebäck & Westin, J Math Imaging Vis 2006;26:293) run over many lines
side by side, in the same order of operations and with the same rounding, so that every voxel has the same bits.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.radiomics.engine.lines import WIDTH, Box, Lines, lines_along, load_rows, store_rows

Floats = NDArray[np.float64]
# Parameters of the exponential series, per order of derivative 0 and 2: (A1, B1, A2, B2); W and L are shared (ITK).
_SERIES = {0: (1.3530, 1.8151, -0.3531, 0.0902), 2: (-1.3563, 5.2318, 0.3446, -2.2355)}
_W1, _L1, _W2, _L2 = 0.6681, -1.3932, 2.0787, -1.3732
# ITK's recursion needs four voxels per line.
MINIMUM_VOXELS = 4


class _Terms(NamedTuple):
    """The numerator of one exponential series and its three sums."""

    n: tuple[float, float, float, float]
    sums: tuple[float, float, float]


def _terms(n: tuple[float, float, float, float]) -> _Terms:
    n0, n1, n2, n3 = n
    return _Terms(n, (n0 + n1 + n2 + n3, n1 + 2 * n2 + 3 * n3, n1 + 4 * n2 + 9 * n3))


def _numerator(order: int, *, sigma_voxels: float) -> _Terms:
    a1, b1, a2, b2 = _SERIES[order]
    sin1, sin2 = math.sin(_W1 / sigma_voxels), math.sin(_W2 / sigma_voxels)
    cos1, cos2 = math.cos(_W1 / sigma_voxels), math.cos(_W2 / sigma_voxels)
    exp1, exp2 = math.exp(_L1 / sigma_voxels), math.exp(_L2 / sigma_voxels)
    n1 = exp2 * (b2 * sin2 - (a2 + 2 * a1) * cos2)
    n1 += exp1 * (b1 * sin1 - (a1 + 2 * a2) * cos1)
    n2 = (a1 + a2) * cos2 * cos1
    n2 -= b1 * cos2 * sin1 + b2 * cos1 * sin2
    n2 *= 2 * exp1 * exp2
    n2 += a2 * exp1 * exp1 + a1 * exp2 * exp2
    n3 = exp2 * exp1 * exp1 * (b2 * sin2 - a2 * cos2)
    n3 += exp1 * exp2 * exp2 * (b1 * sin1 - a1 * cos1)
    return _terms((a1 + a2, n1, n2, n3))


def _denominator(sigma_voxels: float) -> tuple[float, float, float, float]:
    cos1, cos2 = math.cos(_W1 / sigma_voxels), math.cos(_W2 / sigma_voxels)
    exp1, exp2 = math.exp(_L1 / sigma_voxels), math.exp(_L2 / sigma_voxels)
    d3 = -2 * cos1 * exp1 * exp2 * exp2
    d3 += -2 * cos2 * exp2 * exp1 * exp1
    d2 = 4 * cos2 * cos1 * exp1 * exp2
    d2 += exp1 * exp1 + exp2 * exp2
    return -2 * (exp2 * cos2 + exp1 * cos1), d2, d3, exp1 * exp1 * exp2 * exp2


@lru_cache(maxsize=64)
def recursion(order: int, *, sigma_mm: float, spacing_mm: float) -> Floats:
    """Rows N, M, D, BN, BM (5 × 4) of the recursive Gaussian (`order` 0) or its second derivative times sigma² (2).

    As ITK's RecursiveGaussianImageFilter with NormalizeAcrossScale, in the same order of operations.
    """
    sigma_voxels = sigma_mm / spacing_mm
    d1, d2, d3, d4 = d = _denominator(sigma_voxels)
    sd = 1.0 + d1 + d2 + d3 + d4
    smooth = _numerator(0, sigma_voxels=sigma_voxels)
    if order == 0:
        scale = 1.0 / (2 * smooth.sums[0] / sd - smooth.n[0])
        n = [one * scale for one in smooth.n]
    else:
        dd, ed = d1 + 2 * d2 + 3 * d3 + 4 * d4, d1 + 4 * d2 + 9 * d3 + 16 * d4
        second = _numerator(2, sigma_voxels=sigma_voxels)
        beta = -(2 * second.sums[0] - sd * second.n[0]) / (2 * smooth.sums[0] - sd * smooth.n[0])
        n = [two + beta * zero for two, zero in zip(second.n, smooth.n, strict=True)]
        sn, dn, en = (two + beta * zero for two, zero in zip(second.sums, smooth.sums, strict=True))
        alpha = (en * sd * sd - ed * sn * sd - 2 * dn * dd * sd + 2 * dd * dd * sn) / (sd * sd * sd)
        scale = sigma_mm * sigma_mm / alpha
        n = [one * scale for one in n]
    m = [n[1] - d1 * n[0], n[2] - d2 * n[0], n[3] - d3 * n[0], -d4 * n[0]]
    sn, sm = n[0] + n[1] + n[2] + n[3], m[0] + m[1] + m[2] + m[3]
    return np.array([n, m, d, [one * sn / sd for one in d], [one * sm / sd for one in d]])


@njit(cache=True, nogil=True)
def _causal(data: Floats, c: Floats, out: Floats, n: int) -> None:
    """The recursion along `n` rows of WIDTH numbers, flat, so that the rows before are at constant distances."""
    n0, n1, n2, n3 = c[0, 0], c[0, 1], c[0, 2], c[0, 3]
    d1, d2, d3, d4 = c[2, 0], c[2, 1], c[2, 2], c[2, 3]
    b1, b2, b3, b4 = c[3, 0], c[3, 1], c[3, 2], c[3, 3]
    one, two, three, four = np.uint64(WIDTH), np.uint64(2 * WIDTH), np.uint64(3 * WIDTH), np.uint64(4 * WIDTH)
    for line in range(WIDTH):
        k = np.uint64(line)
        v, x1, x2, x3 = data[k], data[k + one], data[k + two], data[k + three]
        y0 = (v * n0 + v * n1 + v * n2 + v * n3) - (v * b1 + v * b2 + v * b3 + v * b4)
        y1 = (x1 * n0 + v * n1 + v * n2 + v * n3) - (y0 * d1 + v * b2 + v * b3 + v * b4)
        y2 = (x2 * n0 + x1 * n1 + v * n2 + v * n3) - (y1 * d1 + y0 * d2 + v * b3 + v * b4)
        out[k], out[k + one], out[k + two] = y0, y1, y2
        out[k + three] = (x3 * n0 + x2 * n1 + x1 * n2 + v * n3) - (y2 * d1 + y1 * d2 + y0 * d3 + v * b4)
    for i in range(4, n):
        start = np.uint64(i * WIDTH)
        for line in range(WIDTH):
            k = start + np.uint64(line)
            now = data[k] * n0 + data[k - one] * n1 + data[k - two] * n2 + data[k - three] * n3
            past = out[k - one] * d1 + out[k - two] * d2 + out[k - three] * d3 + out[k - four] * d4
            out[k] = now - past


@njit(cache=True, nogil=True)
def _anticausal(data: Floats, c: Floats, out: Floats, n: int) -> None:
    """The recursion from the other end; `data` and `out` are turned round, which lets the compiler see whole rows."""
    m1, m2, m3, m4 = c[1, 0], c[1, 1], c[1, 2], c[1, 3]
    d1, d2, d3, d4 = c[2, 0], c[2, 1], c[2, 2], c[2, 3]
    b1, b2, b3, b4 = c[4, 0], c[4, 1], c[4, 2], c[4, 3]
    one, two, three, four = np.uint64(WIDTH), np.uint64(2 * WIDTH), np.uint64(3 * WIDTH), np.uint64(4 * WIDTH)
    for line in range(WIDTH):
        k = np.uint64(line)
        v, x1, x2 = data[k], data[k + one], data[k + two]
        y0 = (v * m1 + v * m2 + v * m3 + v * m4) - (v * b1 + v * b2 + v * b3 + v * b4)
        y1 = (v * m1 + v * m2 + v * m3 + v * m4) - (y0 * d1 + v * b2 + v * b3 + v * b4)
        y2 = (x1 * m1 + v * m2 + v * m3 + v * m4) - (y1 * d1 + y0 * d2 + v * b3 + v * b4)
        out[k], out[k + one], out[k + two] = y0, y1, y2
        out[k + three] = (x2 * m1 + x1 * m2 + v * m3 + v * m4) - (y2 * d1 + y1 * d2 + y0 * d3 + v * b4)
    for i in range(4, n):
        start = np.uint64(i * WIDTH)
        for line in range(WIDTH):
            k = start + np.uint64(line)
            now = data[k - one] * m1 + data[k - two] * m2 + data[k - three] * m3 + data[k - four] * m4
            past = out[k - one] * d1 + out[k - two] * d2 + out[k - three] * d3 + out[k - four] * d4
            out[k] = now - past


@njit(cache=True, nogil=True)
def _filter_lines(source: Lines, c: Floats, start: int, out: Lines) -> None:
    """Filter the lines of `source`; those of `out` hold the voxels from `start` on, as float32."""
    n = source.n
    data, turned = np.zeros(n * WIDTH), np.zeros(n * WIDTH)
    one, two = np.zeros(n * WIDTH), np.zeros(n * WIDTH)
    for o in range(source.outer):
        for first in range(0, source.lines, WIDTH):
            number = min(WIDTH, source.lines - first)
            load_rows(source, o * source.outer_step + first * source.line_step, number, data)
            for i in range(n):
                there, here = (n - 1 - i) * WIDTH, i * WIDTH
                for k in range(WIDTH):
                    turned[np.uint64(there + k)] = data[np.uint64(here + k)]
            _causal(data, c, one, n)
            _anticausal(turned, c, two, n)
            for i in range(start, start + out.n):
                there, here = i * WIDTH, (n - 1 - i) * WIDTH
                for k in range(WIDTH):
                    one[np.uint64(there + k)] += two[np.uint64(here + k)]
            store_rows(one, start, out, o * out.outer_step + first * out.line_step, number)


@njit(cache=True, nogil=True)
def _add_scaled(total: NDArray[np.float32], part: NDArray[np.float32], scale: float) -> None:
    """Add `part` times `scale` to `total`, in float64."""
    for k in range(len(total)):
        total[k] = np.float64(total[k]) + np.float64(part[k]) * scale


def _filtered(array: NDArray[Any], axis: int, *, coefficients: Floats, keep: slice) -> NDArray[Any]:
    """`array` filtered along `axis`, of which only the voxels `keep` are returned, as float32."""
    shape = (*array.shape[:axis], keep.stop - keep.start, *array.shape[axis + 1 :])
    out = np.empty(shape, dtype=np.float32)
    _filter_lines(lines_along(array, axis), coefficients, keep.start, lines_along(out, axis))
    return out


def laplacian(array: NDArray[Any], *, sigma_mm: float, spacing_mm: Sequence[float], box: Box) -> NDArray[Any]:
    """The Laplacian of Gaussian of `array`, scaled by sigma², in the voxels of `box`.

    `array` has 2 or 3 axes of at least MINIMUM_VOXELS voxels; `spacing_mm` is in the order of its axes. The result is
    float32, as ITK's, and so is every intermediate image.
    """
    source = array if array.dtype == np.float64 else array.astype(np.float32)
    order = range(array.ndim - 1, -1, -1)  # ITK counts from x
    smooth = {axis: recursion(0, sigma_mm=sigma_mm, spacing_mm=spacing_mm[axis]) for axis in order}
    total = np.zeros([part.stop - part.start for part in box], dtype=np.float32)
    for axis in order:
        second = recursion(2, sigma_mm=sigma_mm, spacing_mm=spacing_mm[axis])
        part = _filtered(source, axis, coefficients=second, keep=box[axis])
        for other in order:
            if other != axis:
                part = _filtered(part, other, coefficients=smooth[other], keep=box[other])
        scale = 1.0 / (spacing_mm[axis] * spacing_mm[axis])
        _add_scaled(total.reshape(-1), part.reshape(-1), scale)
    return total
