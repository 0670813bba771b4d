"""Compiled loops over the grey values of a ROI, float64 (n,) in any order, for first-order statistics.

Sums are kept in lanes, which the compiler adds side by side, and collected after each chunk: their order, and so their
rounding, is the same on every machine, and the error that of a few hundred additions.
"""

import numpy as np
from numba import njit

_LANES = 16
_CHUNK = 2048


@njit(cache=True, nogil=True)
def power_sums(values: np.ndarray, centre: float, shift: float) -> np.ndarray:
    """Sums (5,) of |d|, d², d³ and d⁴ with d = value - centre, and of (value + shift)²."""
    totals = np.zeros(5)
    absolute, second, third = np.empty(_LANES), np.empty(_LANES), np.empty(_LANES)
    fourth, energy = np.empty(_LANES), np.empty(_LANES)
    block = np.empty(_CHUNK)
    for start in range(0, len(values), _CHUNK):
        n = min(_CHUNK, len(values) - start)
        for k in range(n):
            block[k] = values[start + k]
        for k in range(_LANES):
            absolute[k], second[k], third[k], fourth[k], energy[k] = 0.0, 0.0, 0.0, 0.0, 0.0
        for first in range(0, n - n % _LANES, _LANES):
            lanes = block[first : first + _LANES]
            for k in range(_LANES):
                d, shifted = lanes[k] - centre, lanes[k] + shift
                squared = d * d
                absolute[k] += abs(d)
                second[k] += squared
                third[k] += squared * d
                fourth[k] += squared * squared
                energy[k] += shifted * shifted
        for k in range(n - n % _LANES, n):
            d, shifted = block[k] - centre, block[k] + shift
            absolute[0] += abs(d)
            second[0] += d * d
            third[0] += d * d * d
            fourth[0] += d * d * (d * d)
            energy[0] += shifted * shifted
        for k in range(_LANES):
            totals[0] += absolute[k]
            totals[1] += second[k]
            totals[2] += third[k]
            totals[3] += fourth[k]
            totals[4] += energy[k]
    return totals


@njit(cache=True, nogil=True)
def bounded_sum(values: np.ndarray, low: float, high: float, centre: float) -> tuple[float, float, int]:
    """Sums of value - centre and of its magnitude over the values from `low` to `high` (closed), and their number."""
    total, absolute, number = 0.0, 0.0, 0
    for start in range(0, len(values), _CHUNK):
        part, part_absolute = 0.0, 0.0
        for k in range(start, min(start + _CHUNK, len(values))):
            kept = (values[k] >= low) & (values[k] <= high)
            d = (values[k] - centre) * kept  # faster than a branch
            part += d
            part_absolute += abs(d)
            number += kept
        total += part
        absolute += part_absolute
    return total, absolute, number


@njit(cache=True, nogil=True)
def bucket_counts(values: np.ndarray, low: float, per_unit: float, n_buckets: int) -> np.ndarray:
    """Number of values per bucket (n_buckets,): bucket int((value - low) * per_unit), which rises with the value."""
    counts = np.zeros(n_buckets, np.int64)
    for value in values:
        counts[np.uint64((value - low) * per_unit)] += 1
    return counts


@njit(cache=True, nogil=True)
def values_in_buckets(values: np.ndarray, low: float, per_unit: float, wanted: np.ndarray, number: int) -> np.ndarray:
    """The values (number,) of the buckets that are `wanted` (n_buckets,) bool."""
    found = np.empty(number + 1)  # one place more: a value that is not wanted is overwritten, instead of a branch
    at = 0
    for value in values:
        found[at] = value
        at += wanted[np.uint64((value - low) * per_unit)]
    return found[:number]
