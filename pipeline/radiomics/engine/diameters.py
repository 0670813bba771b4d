"""Largest distances between the vertices of a mesh, over convex hulls instead of all pairs.

A farthest pair always lies on the convex hull, and a vertex of the hull is also one of the hull of each plane through
it. The vertices lie on a grid of half voxels, so that planes and hulls are found in whole numbers, without rounding.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Points = NDArray[np.int32]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _chain(rows: Points, columns: Points, n: int, sign: int, hull: Points) -> int:
    """Indices of the points (rows ascending) on the lower (`sign` 1) or upper (-1) hull, and their number."""
    size = 0
    for i in range(n):
        while size >= 2:
            a, b = hull[size - 2], hull[size - 1]
            turn = np.int64(rows[b] - rows[a]) * (columns[i] - columns[a])
            turn -= np.int64(columns[b] - columns[a]) * (rows[i] - rows[a])
            if turn * sign > 0:
                break
            size -= 1
        hull[size] = i
        size += 1
    return size


@njit(cache=True, nogil=True)
def _plane_hulls(points: Points, axis: int, side: int, spacing: Floats, out: Points) -> tuple[float, int]:
    """The largest squared distance within one plane across `axis`; `out` gets the points on the hulls of the planes.

    All coordinates lie below `side`.
    """
    u, v = (1, 2) if axis == 0 else ((0, 2) if axis == 1 else (0, 1))
    low = np.full((side, side), 2**30, dtype=np.int32)
    high = np.full((side, side), -1, dtype=np.int32)
    for k in range(len(points)):
        plane, row, column = points[k, axis], points[k, u], points[k, v]
        low[plane, row] = min(low[plane, row], column)
        high[plane, row] = max(high[plane, row], column)
    rows, lows = np.empty(side, dtype=np.int32), np.empty(side, dtype=np.int32)
    highs, hull = np.empty(side, dtype=np.int32), np.empty(side, dtype=np.int32)
    largest, number = 0.0, 0
    for plane in range(side):
        n = 0
        for row in range(side):
            if high[plane, row] >= 0:
                rows[n], lows[n], highs[n] = row, low[plane, row], high[plane, row]
                n += 1
        first = number
        for sign in (1, -1):
            columns = lows if sign == 1 else highs
            for at in range(_chain(rows, columns, n, sign, hull)):
                i = hull[at]
                out[number, axis], out[number, u], out[number, v] = plane, rows[i], columns[i]
                number += 1
        largest = max(largest, _farthest(out[first:number], spacing))
    return largest, number


@njit(cache=True, nogil=True)
def _farthest(points: Points, spacing: Floats) -> float:
    """The largest squared distance between two points in half voxels; 0 if there are fewer than two."""
    z, y, x = points[:, 0] / 2 * spacing[0], points[:, 1] / 2 * spacing[1], points[:, 2] / 2 * spacing[2]
    largest = 0.0
    for i in range(len(points)):
        for j in range(i):
            a, b, c = z[i] - z[j], y[i] - y[j], x[i] - x[j]
            largest = max(largest, a * a + b * b + c * c)
    return largest


def _hull_points(points: Points, *, axis: int, spacing_mm: Floats) -> tuple[float, Points]:
    # Two chains share at most their ends, and each holds one point per row at most.
    out = np.empty((2 * len(points) + 4, 3), dtype=np.int32)
    squared, number = _plane_hulls(points, axis, int(points.max()) + 1, spacing_mm, out)
    return float(np.sqrt(squared)), out[:number]


def largest_distances(points: Points, *, spacing_mm: Floats) -> tuple[float, float, float, float]:
    """Maximum 3-D diameter, and those within planes of constant z, y and x (mm), of vertices (n, 3) in half voxels.

    `spacing_mm` is that of the voxels, z, y, x. All points of `points` are 0 or more.
    """
    within = [_hull_points(points, axis=axis, spacing_mm=spacing_mm)[0] for axis in range(3)]
    for axis in range(3):
        points = _hull_points(points, axis=axis, spacing_mm=spacing_mm)[1]
    return float(np.sqrt(_farthest(np.unique(points, axis=0), spacing_mm))), within[0], within[1], within[2]


def largest_distance_2d(points: Points, *, spacing_mm: Floats) -> float:
    """Maximum diameter (mm) of vertices (n, 3) in half voxels that all have the first coordinate in common."""
    return _hull_points(points, axis=0, spacing_mm=spacing_mm)[0]
