"""Filters of single voxels (square, square root, logarithm, exponential) and the gradient magnitude.

PyRadiomics filters the whole crop and scales by its largest absolute value; here the largest value is taken once, and
only the voxels of the ROI are filtered. Formulas: PyRadiomics, `imageoperations`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.radiomics.engine.lines import Box

Floats = NDArray[np.float64]


def square(values: Floats, *, largest: float) -> Floats:
    """(c x)² with c = 1 / sqrt(largest absolute value of the image)."""
    return np.asarray((1 / np.sqrt(np.float64(largest)) * values) ** 2)


def square_root(values: Floats, *, largest: float) -> Floats:
    """Square root of |x| times the largest absolute value, with the sign of x."""
    return np.asarray(np.where(values < 0, -1.0, 1.0) * np.sqrt(np.abs(values) * largest))


def logarithm(values: Floats, *, largest: float) -> Floats:
    """log(|x| + 1) with the sign of x, scaled back to the largest absolute value of the image."""
    logs = np.where(values < 0, -1.0, 1.0) * np.log(np.abs(values) + 1)
    return np.asarray(logs * (np.float64(largest) / np.log(np.float64(largest) + 1)))


def exponential(values: Floats, *, largest: float) -> Floats:
    """exp(c x) with c = log(largest absolute value) / largest absolute value."""
    return np.asarray(np.exp(np.log(np.float64(largest)) / np.float64(largest) * values))


POINT_FILTERS: dict[str, Callable[..., Floats]] = {
    "Square": square,
    "SquareRoot": square_root,
    "Logarithm": logarithm,
    "Exponential": exponential,
}


def largest_magnitude(array: NDArray[Any]) -> float:
    """The largest absolute value of an image; NaN if it holds one."""
    return float(max(abs(float(array.max())), abs(float(array.min()))))


def gradient_magnitude(array: NDArray[Any], *, box: Box, spacing_mm: Sequence[float]) -> NDArray[Any]:
    """The gradient magnitude in the voxels of `box`, from central differences; the edge voxel is repeated outside.

    `spacing_mm` is in the order of the axes (ones = per voxel). The result is float32, in the order of operations of
    ITK's GradientMagnitudeImageFilter.
    """
    total: Any = 0.0
    for axis in range(array.ndim - 1, -1, -1):  # ITK counts from x
        half = 0.5 * (1.0 / spacing_mm[axis])
        places = np.arange(box[axis].start, box[axis].stop)
        before, after = np.maximum(places - 1, 0), np.minimum(places + 1, array.shape[axis] - 1)
        kept = array[(*box[:axis], slice(None), *box[axis + 1 :])]
        high, low = (np.take(kept, part, axis=axis).astype(np.float64) for part in (after, before))
        slope = half * high + -half * low
        total = total + slope * slope
    return np.asarray(np.sqrt(total), dtype=np.float32)
