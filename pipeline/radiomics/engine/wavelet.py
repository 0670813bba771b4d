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

from pipeline.radiomics.engine.lines import Box, lines_along

# Lines that are filtered side by side: their buffer stays in the second-level cache.
_LINES = 64


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
def _bands(source: NDArray[Any], terms: tuple[NDArray[Any], ...], outs: tuple[NDArray[Any], NDArray[Any]]) -> None:
    """Both bands of `source` (outer, n, lines) along its middle axis.

    `terms` are the voxels and the values of both filters for each term of the convolution, (n_out, length) each.
    """
    (voxels, low, high), (out_low, out_high) = terms, outs
    n, n_out, length = source.shape[1], voxels.shape[0], voxels.shape[1]
    data = np.empty((n, _LINES), dtype=source.dtype)
    one, two = np.empty(_LINES, dtype=source.dtype), np.empty(_LINES, dtype=source.dtype)
    for o in range(source.shape[0]):
        for first in range(0, source.shape[2], _LINES):
            lines = min(_LINES, source.shape[2] - first)
            for i in range(n):
                for k in range(lines):
                    data[i, k] = source[o, i, first + k]
            for i in range(n_out):
                one[:] = 0
                two[:] = 0
                for j in range(length):
                    row, a, d = voxels[i, j], low[i, j], high[i, j]
                    for k in range(_LINES):
                        one[k] += a * data[row, k]
                        two[k] += d * data[row, k]
                for k in range(lines):
                    out_low[o, i, first + k] = one[k]
                    out_high[o, i, first + k] = two[k]


def _split(
    array: NDArray[Any], axis: int, *, terms: tuple[NDArray[np.int64], NDArray[np.int64]], wavelet: str
) -> tuple[NDArray[Any], NDArray[Any]]:
    voxels, taps = terms
    shape = (*array.shape[:axis], len(voxels), *array.shape[axis + 1 :])
    low, high = np.empty(shape, dtype=array.dtype), np.empty(shape, dtype=array.dtype)
    a, d = (one[taps] for one in _filters(wavelet, array.dtype.name))
    _bands(lines_along(array, axis), (voxels, a, d), (lines_along(low, axis), lines_along(high, axis)))
    return low, high


def _level(data: NDArray[Any], *, axes: Sequence[int], wavelet: str, box: Box) -> dict[str, NDArray[Any]]:
    """All bands of one level in the voxels of `box`, by name (L and H, in the order of `axes`)."""
    terms = {}
    for axis in range(data.ndim):
        if axis not in axes:
            data = data[(slice(None),) * axis + (box[axis],)]
            continue
        voxels, taps = (part[box[axis]] for part in tap_order(data.shape[axis], length=pywt.Wavelet(wavelet).dec_len))
        needed, places = np.unique(voxels, return_inverse=True)
        data = np.take(data, needed, axis=axis)
        terms[axis] = places.reshape(voxels.shape), taps
    bands = {"": np.ascontiguousarray(data)}
    for axis in axes:
        split = {name: _split(part, axis, terms=terms[axis], wavelet=wavelet) for name, part in bands.items()}
        bands = {name + letter: part for name, parts in split.items() for letter, part in zip("LH", parts, strict=True)}
    return bands


def wavelet_bands(
    array: NDArray[Any], *, box: Box, axes: Sequence[int], wavelet: str, level: int, start_level: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    """PyRadiomics' name (wavelet-LLH …) and the voxels of `box` of each band of `array`, the approximation last.

    Lines of an odd number of voxels are lengthened by their first voxel. `axes` are transformed in this order, `level`
    levels from `start_level` on; each level transforms the approximation before it without upsampling its filter, as
    PyRadiomics does.
    """
    data = array if array.dtype == np.float32 else array.astype(np.float64)
    data = np.pad(data, [(0, side % 2) for side in array.shape], mode="wrap")
    whole = tuple(slice(0, side) for side in data.shape)
    approximation = "L" * len(axes)
    for number in range(start_level + level):
        last = number == start_level + level - 1
        bands = _level(data, axes=axes, wavelet=wavelet, box=box if last else whole)
        data = bands.pop(approximation)
        prefix = "wavelet" if number == start_level else f"wavelet{number - start_level + 1}"
        if number >= start_level:
            for name, band in bands.items():
                yield f"{prefix}-{name}", band if last else band[box]
    yield f"{prefix}-{approximation}", data
