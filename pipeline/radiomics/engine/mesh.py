"""Surface mesh of a mask: area and volume by marching cubes, perimeter and surface by marching squares.

The loops and their order are PyRadiomics' (cshape.c), without the comparison of all pairs of vertices that it makes in
the same call.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.radiomics.engine.mesh_tables import CUBE_EDGES, LINES, SQUARE_EDGES, TRIANGLES

Bytes = NDArray[np.int8]
Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _add_cube(
    corner: tuple[int, int, int],
    cell: int,
    sign: float,
    spacing: Floats,
    tables: tuple[NDArray[np.int8], NDArray[np.int64]],
) -> tuple[float, float]:
    """Area and signed volume times 6 of the triangles of one cube."""
    (z, y, x), (triangles, edges) = corner, tables
    area, volume, t = 0.0, 0.0, 0
    while triangles[cell, t] >= 0:
        a, b, c = edges[triangles[cell, t]], edges[triangles[cell, t + 1]], edges[triangles[cell, t + 2]]
        az, ay, ax = (z + a[0] / 2) * spacing[0], (y + a[1] / 2) * spacing[1], (x + a[2] / 2) * spacing[2]
        bz, by, bx = (z + b[0] / 2) * spacing[0], (y + b[1] / 2) * spacing[1], (x + b[2] / 2) * spacing[2]
        cz, cy, cx = (z + c[0] / 2) * spacing[0], (y + c[1] / 2) * spacing[1], (x + c[2] / 2) * spacing[2]
        volume += sign * ((ay * bx - by * ax) * cz + (ax * bz - bx * az) * cy + (az * by - bz * ay) * cx)
        az, ay, ax, bz, by, bx = az - cz, ay - cy, ax - cx, bz - cz, by - cy, bx - cx
        nz, ny, nx = ay * bx - by * ax, ax * bz - bx * az, az * by - bz * ay
        area += 0.5 * np.sqrt(nz * nz + ny * ny + nx * nx)
        t += 3
    return area, volume


@njit(cache=True, nogil=True)
def _cubes(mask: Bytes, spacing: Floats, tables: tuple[NDArray[np.int8], NDArray[np.int64]]) -> tuple[float, float]:
    area, volume = 0.0, 0.0
    for z in range(mask.shape[0] - 1):
        for y in range(mask.shape[1] - 1):
            left = mask[z, y, 0] | mask[z, y + 1, 0] << 3 | mask[z + 1, y, 0] << 4 | mask[z + 1, y + 1, 0] << 7
            for x in range(mask.shape[2] - 1):
                near, far = mask[z, y, x + 1], mask[z, y + 1, x + 1]
                below, corner = mask[z + 1, y, x + 1], mask[z + 1, y + 1, x + 1]
                cell = left | near << 1 | far << 2 | below << 5 | corner << 6
                left = near | far << 3 | below << 4 | corner << 7
                if cell in (0, 255):
                    continue
                sign = 1.0
                if cell > 127:
                    cell, sign = 255 - cell, -1.0
                more_area, more_volume = _add_cube((z, y, x), cell, sign, spacing, tables)
                area += more_area
                volume += more_volume
    return area, volume / 6


@njit(cache=True, nogil=True)
def _squares(mask: Bytes, spacing: Floats, lines: NDArray[np.int8], edges: NDArray[np.int64]) -> tuple[float, float]:
    perimeter, surface = 0.0, 0.0
    for y in range(mask.shape[0] - 1):
        for x in range(mask.shape[1] - 1):
            cell = mask[y, x] | mask[y, x + 1] << 1 | mask[y + 1, x + 1] << 2 | mask[y + 1, x] << 3
            t = 0
            while lines[cell, t] >= 0:
                a, b = edges[lines[cell, t]], edges[lines[cell, t + 1]]
                ay, ax = (y + a[0] / 2) * spacing[0], (x + a[1] / 2) * spacing[1]
                by, bx = (y + b[0] / 2) * spacing[0], (x + b[1] / 2) * spacing[1]
                surface += ay * bx - by * ax
                perimeter += np.sqrt((ay - by) * (ay - by) + (ax - bx) * (ax - bx))
                t += 2
    return perimeter, surface / 2


@njit(cache=True, nogil=True)
def _crossings(mask: Bytes, out: NDArray[np.int32]) -> int:
    """Fill `out` with the vertices, in half voxels, as far as it reaches, and return their number."""
    depth, height, width = mask.shape
    number = 0
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                here = mask[z, y, x]
                for axis in range(3):
                    dz, dy, dx = axis == 0, axis == 1, axis == 2
                    if z + dz < depth and y + dy < height and x + dx < width and mask[z + dz, y + dy, x + dx] != here:
                        if number < len(out):
                            out[number, 0], out[number, 1], out[number, 2] = 2 * z + dz, 2 * y + dy, 2 * x + dx
                        number += 1
    return number


def surface_and_volume(mask: Bytes, *, spacing_mm: Floats) -> tuple[float, float]:
    """Area (mm²) and volume (mm³) of the mesh of a mask (z, y, x) of 0 and 1 whose border voxels are all 0."""
    area, volume = _cubes(mask, spacing_mm, (TRIANGLES, CUBE_EDGES))
    return float(area), float(volume)


def perimeter_and_surface(mask: Bytes, *, spacing_mm: Floats) -> tuple[float, float]:
    """Perimeter (mm) and surface (mm²) of the mesh of a mask (y, x) of 0 and 1 whose border pixels are all 0."""
    perimeter, surface = _squares(mask, spacing_mm, LINES, SQUARE_EDGES)
    return float(perimeter), float(surface)


def vertices(mask: Bytes) -> NDArray[np.int32]:
    """Vertices (n, 3) of the mesh of a mask (z, y, x) of 0 and 1, in half voxels."""
    nothing = np.empty((0, 3), dtype=np.int32)
    found = np.empty((_crossings(mask, nothing), 3), dtype=np.int32)
    _crossings(mask, found)
    return found
