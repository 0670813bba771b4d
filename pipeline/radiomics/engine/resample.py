"""Resampling with cubic B-splines on a grid parallel to the image's: ITK's values, computed line by line.

ITK evaluates 64 products per voxel through general functions, and casts to whole numbers by truncation, so that the
last bit of a value can decide on a grey level. Here the same products are added in the same order, over all voxels of a
line at once (Unser, IEEE Signal Process Mag 1999;16(6):22; sources: itkBSplineDecompositionImageFilter,
itkBSplineInterpolateImageFunction, itkResampleImageFilter).
"""

import math
from typing import Any

import numpy as np
import SimpleITK as sitk
from numba import njit
from numpy.typing import NDArray

from pipeline.radiomics.engine.lines import WIDTH, Lines, lines_along, load_rows, store_rows

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_POLE = math.sqrt(3.0) - 2.0
_GAIN = (1.0 - _POLE) * (1.0 - 1.0 / _POLE)
# Terms of the mirrored sum at the start of a line that ITK adds: its tolerance is 1e-10.
_HORIZON = math.ceil(math.log(1e-10) / math.log(abs(_POLE)))


@njit(cache=True, nogil=True)
def _mirrored_start(rows: Floats, line: int, n: int) -> float:
    """The first causal coefficient of one line of `n` voxels, in `rows` of WIDTH numbers, with mirrored ends."""
    total, power = rows[line], _POLE
    if n > _HORIZON:
        for i in range(1, _HORIZON):
            total += power * rows[i * WIDTH + line]
            power *= _POLE
        return total
    inverse = 1.0 / _POLE
    back = _POLE ** np.float64(n - 1)
    total += back * rows[(n - 1) * WIDTH + line]
    back *= back * inverse
    for i in range(1, n - 1):
        total += (power + back) * rows[i * WIDTH + line]
        power *= _POLE
        back *= inverse
    return total / (1.0 - power * power)


@njit(cache=True, nogil=True)
def _to_coefficients(array: Lines) -> None:
    """Replace the lines of `array` by their spline coefficients; they have 2 voxels or more."""
    n = array.n
    rows = np.zeros(n * WIDTH)
    for o in range(array.outer):
        for first in range(0, array.lines, WIDTH):
            number, start = min(WIDTH, array.lines - first), o * array.outer_step + first * array.line_step
            load_rows(array, start, number, rows)
            for k in range(n * WIDTH):
                rows[k] *= _GAIN
            for k in range(WIDTH):
                rows[k] = _mirrored_start(rows, k, n)
            for i in range(1, n):
                for k in range(i * WIDTH, (i + 1) * WIDTH):
                    rows[k] += _POLE * rows[k - WIDTH]
            for k in range((n - 1) * WIDTH, n * WIDTH):
                last = _POLE * rows[k - WIDTH] + rows[k]
                rows[k] = (_POLE / (_POLE * _POLE - 1.0)) * last
            for i in range(n - 2, -1, -1):
                for k in range(i * WIDTH, (i + 1) * WIDTH):
                    rows[k] = _POLE * (rows[k + WIDTH] - rows[k])
            store_rows(rows, 0, array, start, number)


@njit(cache=True, nogil=True)
def _support(places: Floats, n: int, index: Integers, weights: Floats) -> None:
    """The four voxels and weights (4, len(places)) of each place along an axis of `n` voxels with mirrored ends."""
    for k in range(len(places)):
        first = int(np.floor(np.float32(places[k]))) - 1
        w = places[k] - float(first + 1)
        weights[3, k] = (1.0 / 6.0) * w * w * w
        weights[0, k] = (1.0 / 6.0) + 0.5 * w * (w - 1.0) - weights[3, k]
        weights[2, k] = w + weights[0, k] - 2.0 * weights[3, k]
        weights[1, k] = 1.0 - weights[0, k] - weights[2, k] - weights[3, k]
        for i in range(4):
            at = abs(first + i)
            index[i, k] = 2 * (n - 1) - at if at >= n else at


@njit(cache=True, nogil=True)
def _evaluate(coefficients: Floats, places: tuple[Floats, Floats, Floats], out: Floats) -> None:
    """The spline at all `places` (z, y, x)."""
    n_z, n_y, n_x = len(places[0]), len(places[1]), len(places[2])
    z, y, x = np.empty((4, n_z), dtype=np.int64), np.empty((4, n_y), dtype=np.int64), np.empty((4, n_x), dtype=np.int64)
    wz, wy, wx = np.empty((4, n_z)), np.empty((4, n_y)), np.empty((4, n_x))
    _support(places[0], coefficients.shape[0], z, wz)
    _support(places[1], coefficients.shape[1], y, wy)
    _support(places[2], coefficients.shape[2], x, wx)
    for i in range(n_z):
        for j in range(n_y):
            line = out[i, j]
            for k in range(n_x):
                line[k] = 0.0
            for c in range(4):
                for b in range(4):
                    row, of_y, of_z = coefficients[z[c, i], y[b, j]], wy[b, j], wz[c, i]
                    for a in range(4):
                        for k in range(n_x):
                            line[k] += wx[a, k] * of_y * of_z * row[x[a, k]]


def parallel(image: sitk.Image) -> bool:
    """Whether the engine can resample the image: a volume of two or more voxels per axis, its axes not oblique."""
    return (
        image.GetDimension() == 3
        and min(image.GetSize()) > 1
        and image.GetNumberOfComponentsPerPixel() == 1
        and all(abs(one) == float(at % 4 == 0) for at, one in enumerate(image.GetDirection()))
    )


def _places(image: sitk.Image, grid: sitk.Image, *, axis: int) -> Floats:
    """Continuous indices in `image` of the voxels of `grid` along `axis` (0 = x), rounded as ITK rounds them."""
    n = grid.GetSize()[axis]
    steps = range(n) if axis else (0, n)  # ITK interpolates between the ends of each line along x
    points = [grid.TransformIndexToPhysicalPoint([step * (at == axis) for at in range(3)]) for step in steps]
    found = np.array([image.TransformPhysicalPointToContinuousIndex(point)[axis] for point in points])
    return found if axis else found[0] + np.arange(n) / n * (found[1] - found[0])


def bspline_on(grid: sitk.Image, image: sitk.Image) -> sitk.Image:
    """The volume `image` on the grid of the volume `grid`, whose axes are parallel to its own, in its number type.

    Equal to sitk.Resample with sitkBSpline; voxels of the grid outside the image are 0.
    """
    coefficients = sitk.GetArrayFromImage(image).astype(np.float64)
    for axis in (2, 1, 0):
        _to_coefficients(lines_along(coefficients, axis))
    along = [_places(image, grid, axis=axis) for axis in range(3)]
    values = np.empty(grid.GetSize()[::-1])
    _evaluate(coefficients, (along[2], along[1], along[0]), values)
    for axis, places in enumerate(along):
        outside = (places < -0.5) | (places >= image.GetSize()[axis] - 0.5)
        values[(slice(None),) * (2 - axis) + (outside,)] = 0
    found = sitk.GetImageFromArray(_cast(values, sitk.GetArrayViewFromImage(image).dtype))
    found.CopyInformation(grid)
    return found


def _cast(values: Floats, dtype: Any) -> NDArray[Any]:
    """`values` in another number type: whole numbers by truncation, within the range of the type."""
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        values = np.clip(values, limits.min, limits.max)
    return values.astype(dtype)
