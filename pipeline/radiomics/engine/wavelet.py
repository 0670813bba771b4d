"""Stationary wavelet bands, computed only for the box of the ROI.

PyRadiomics calls PyWavelets' `swtn` on the whole crop. Here the same convolutions (periodic, filter taps added in
PyWavelets' order, so that every voxel has the same bits, which matters if a band holds nothing but rounding noise) run
over many lines side by side, both bands of an axis at once.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pywt
from numba import njit
from numpy.typing import NDArray

from pipeline.radiomics.engine.lines import WIDTH, Box, Lines, Rows, lines_along, load_rows, store_rows


@lru_cache(maxsize=256)
def tap_order(n: int, *, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which voxel and which filter tap each term of the convolution uses, in PyWavelets' order: two (n, length).

    `n` is the (even) number of voxels of a line, `length` that of the filter. Source: convolution.template.c of
    PyWavelets, `downsampling_convolution_periodization` with step 1.
    """
    ends = np.arange(length // 2, n + length // 2)
    taps = np.tile(np.arange(length), (n, 1))
    voxels = ends[:, None] - taps
    for out in np.flatnonzero((ends < length) | (ends >= n)):
        i, j = int(ends[out]), 0
        terms: list[tuple[int, int]] = []
        while i - j >= n:  # beyond the end: counted from the front, the filter backwards
            for k in range(min(n, i - j - n + 1)):
                terms.append((k, i - n - j))
                j += 1
        while j <= i and j < length:
            terms.append((i - j, j))
            j += 1
        while j < length:  # before the start: counted from the end
            for k in range(min(n, length - j)):
                terms.append((n - 1 - k, j))
                j += 1
        voxels[out], taps[out] = zip(*terms, strict=True)
    return voxels, taps


@lru_cache(maxsize=16)
def _filters(wavelet: str, dtype: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """The low-pass and the high-pass filter in a number type: PyWavelets' answer to an impulse.

    Its tables of float32 are rounded from decimals, not from those of float64, so that the last bit can differ.
    """
    length = pywt.Wavelet(wavelet).dec_len
    impulse = np.zeros(4 * length, dtype=dtype)
    impulse[2 * length] = 1
    start = 2 * length - length // 2
    low, high = pywt.swt(impulse, wavelet, level=1)[0]
    return low[start : start + length], high[start : start + length]


@njit(cache=True, nogil=True)
def _bands(source: Lines, voxels: NDArray[np.int64], taps: NDArray[Any], one: Lines, two: Lines) -> None:
    """Both bands of the lines of `source`, into `one` and `two`.

    `voxels` (n_out, length) and `taps` (2, n_out, length) are the terms of both convolutions, in the order in which
    they are added.
    """
    data, rows = np.zeros(source.n * WIDTH, taps.dtype), np.zeros(one.n * WIDTH, taps.dtype)
    for o in range(source.outer):
        for first in range(0, source.lines, WIDTH):
            number = min(WIDTH, source.lines - first)
            load_rows(source, o * source.outer_step + first * source.line_step, number, data)
            for band in range(2):
                _convolve(data, voxels, taps[band], rows)
                out = two if band == 1 else one
                store_rows(rows, 0, out, o * out.outer_step + first * out.line_step, number)


@njit(cache=True, nogil=True)
def _convolve(data: Rows, voxels: NDArray[np.int64], taps: NDArray[Any], rows: Rows) -> None:
    """One band of all lines in `data`: `taps` (n_out, length) times the rows `voxels`, added in order."""
    for i in range(len(voxels)):
        total = rows[i * WIDTH : (i + 1) * WIDTH]
        for k in range(WIDTH):
            total[k] = 0
        for j in range(0, voxels.shape[1], 2):  # filters have an even length; two taps at once save half the traffic
            first, second = voxels[i, j] * WIDTH, voxels[i, j + 1] * WIDTH
            here, there = data[first : first + WIDTH], data[second : second + WIDTH]
            a, b = taps[i, j], taps[i, j + 1]
            for k in range(WIDTH):
                total[k] = (total[k] + a * here[k]) + b * there[k]


def _split(
    array: NDArray[Any], axis: int, *, terms: tuple[NDArray[np.int64], NDArray[np.int64]], wavelet: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    voxels, taps = terms
    shape = (*array.shape[:axis], len(voxels), *array.shape[axis + 1 :])
    low, high = np.empty(shape, dtype=array.dtype), np.empty(shape, dtype=array.dtype)
    both = np.stack([values[taps] for values in _filters(wavelet, array.dtype.name)])
    _bands(lines_along(array, axis), voxels, both, lines_along(low, axis), lines_along(high, axis))
    return low, high


def _level(
    data: NDArray[Any], *, axes: Sequence[int], wavelet: str, box: Box, dtype: type
) -> Iterator[tuple[str, NDArray[Any]]]:
    """All bands of one level in the voxels of `box`: name (L and H, in the order of `axes`) and voxels of number type.

    The bands are made one after the other, so that few are in memory at a time.
    """
    terms = {}
    for axis in range(data.ndim):
        if axis not in axes:
            data = data[(slice(None),) * axis + (box[axis],)]
            continue
        side = data.shape[axis]
        order = tap_order(side + side % 2, length=pywt.Wavelet(wavelet).dec_len)
        voxels, taps = (part[box[axis]] for part in order)
        needed, places = np.unique(voxels, return_inverse=True)
        data = np.take(data, needed % side, axis=axis)
        terms[axis] = places.reshape(voxels.shape), taps
    yield from _bands_along(axes, [np.ascontiguousarray(data, dtype=dtype)], terms=terms, wavelet=wavelet)


def _bands_along(
    axes: Sequence[int], given: list[NDArray[Any]], *, terms: dict[int, Any], wavelet: str
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The bands along the first of `axes`, each split along the others; the array is taken out of `given` and freed."""
    if not axes:
        yield "", given.pop()
        return
    halves = [*_split(given.pop(), axes[0], terms=terms[axes[0]], wavelet=wavelet)][::-1]
    for letter in "LH":
        for name, band in _bands_along(axes[1:], [halves.pop()], terms=terms, wavelet=wavelet):
            yield letter + name, band


def wavelet_bands(
    array: NDArray[Any], *, box: Box, axes: Sequence[int], wavelet: str, level: int, start_level: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    """PyRadiomics' name (wavelet-LLH …) and the voxels of `box` of each band of `array`, the approximation last.

    Lines of an odd number of voxels are lengthened by their first voxel. `axes` are transformed in this order, `level`
    levels from `start_level` on; each level transforms the approximation before it without upsampling its filter, as
    PyRadiomics does.
    """
    dtype = np.float32 if array.dtype == np.float32 else np.float64
    whole = tuple(slice(0, side + side % 2 * (axis in axes)) for axis, side in enumerate(array.shape))
    data = approximation = array
    for number in range(start_level + level):
        last = number == start_level + level - 1
        prefix = "wavelet" if number == start_level else f"wavelet{number - start_level + 1}"
        for name, band in _level(data, axes=axes, wavelet=wavelet, box=box if last else whole, dtype=dtype):
            if "H" not in name:
                approximation = band
            elif number >= start_level:
                yield f"{prefix}-{name}", band if last else band[box]
        data = approximation
    yield f"{prefix}-{'L' * len(axes)}", data
