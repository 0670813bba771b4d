"""Compiled loops over the voxels of a ROI.

All kernels but the first two work on flat arrays: the ROI's bounding box with a margin of zeros around it, so that a
neighbour of a voxel is at a fixed distance in memory (`offset`) and is 0 if it is outside the ROI. 2-D images are 3-D
arrays of one slice. `ranks` holds 1 + the index of a voxel's level among the occupied levels, 0 outside the ROI.
"""

import numpy as np
from numba import njit

CHUNK = 2048


@njit(cache=True, nogil=True)
def bins_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Index from 1 of the half-open bin of each value, exactly as numpy.digitize for evenly spaced edges.

    Even spacing gives the bin to within one; the comparison with the edges themselves decides. The last bin may be
    wider, and values outside the edges belong to the first bin or to one beyond the last.
    """
    bins = np.empty(values.size, np.int32)
    last = edges.size - 1
    per_unit = (last - 1) / (edges[last - 1] - edges[0]) if last > 1 else 0.0
    for k in range(values.size):
        value = values[k]
        found = min(max(int((value - edges[0]) * per_unit), 0), last)
        while found > 0 and value < edges[found]:
            found -= 1
        while found < last and value >= edges[found + 1]:
            found += 1
        bins[k] = found + 1
    return bins


@njit(cache=True, nogil=True)
def bounding_box(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last + 1 index of the ROI along each axis (3, 2), and the number of voxels of each level, from 0.

    `levels` (nz, ny, nx) int32 is 0 outside the ROI. An image without ROI has the counts [0].
    """
    nz, ny, nx = levels.shape
    box = np.array([[nz, 0], [ny, 0], [nx, 0]])
    top = 0
    for z in range(nz):
        for y in range(ny):
            row = levels[z, y]
            highest = 0
            for x in range(nx):
                highest = max(highest, row[x])
            if highest == 0:
                continue
            top = max(top, highest)
            box[0, 0], box[0, 1] = min(box[0, 0], z), max(box[0, 1], z + 1)
            box[1, 0], box[1, 1] = min(box[1, 0], y), max(box[1, 1], y + 1)
            first, last = 0, nx - 1
            while row[first] <= 0:
                first += 1
            while row[last] <= 0:
                last -= 1
            box[2, 0], box[2, 1] = min(box[2, 0], first), max(box[2, 1], last + 1)
    counts = np.zeros(top + 1, np.int64)
    for z in range(box[0, 0], box[0, 1]):
        for y in range(box[1, 0], box[1, 1]):
            for x in range(box[2, 0], box[2, 1]):
                if levels[z, y, x] > 0:
                    counts[levels[z, y, x]] += 1
    return box, counts


@njit(cache=True, nogil=True)
def padded_ranks(
    levels: np.ndarray, box: np.ndarray, rank_of_level: np.ndarray, margins: np.ndarray, n_voxels: int
) -> tuple[np.ndarray, np.ndarray]:
    """The bounding box as ranks, with `margins` (3,) of zeros, flat; and the flat index of each voxel, ascending."""
    sizes = box[:, 1] - box[:, 0] + 2 * margins
    ranks = np.zeros(sizes[0] * sizes[1] * sizes[2], np.int32)
    voxels = np.empty(n_voxels, np.int64)
    found = 0
    for z in range(box[0, 0], box[0, 1]):
        for y in range(box[1, 0], box[1, 1]):
            row = (z - box[0, 0] + margins[0]) * sizes[1] + (y - box[1, 0] + margins[1])
            start = row * sizes[2] + margins[2] - box[2, 0]
            for x in range(box[2, 0], box[2, 1]):
                level = levels[z, y, x]
                if level > 0:
                    ranks[start + x] = rank_of_level[level]
                    voxels[found] = start + x
                    found += 1
    return ranks, voxels


@njit(cache=True, nogil=True)
def cooccurrences(ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, n_levels: int) -> np.ndarray:
    """Number of voxels of rank i whose neighbour at an offset has rank j: (n_offsets, n_levels, n_levels) float64."""
    # Row and column 0 collect the neighbours outside the ROI: one addition is cheaper than a branch.
    side = n_levels + 1
    counts = np.zeros((len(offsets), side * side))
    for a in range(len(offsets)):
        offset, cells = offsets[a], counts[a]
        for voxel in voxels:
            cells[ranks[voxel] * side + ranks[voxel + offset]] += 1
    return counts.reshape(len(offsets), side, side)[:, 1:, 1:].copy()


@njit(cache=True, nogil=True)
def diagonal_sums(matrices: np.ndarray, levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of square matrices (n_a, n, n) over equal i + j (n_a, 2 top - 1) and equal |i - j| (n_a, top).

    `levels` (n,) int64, ascending, are the grey levels of rows and columns, `top` the highest of them; the first
    column of the first table is i + j = 2.
    """
    n_angles, n = matrices.shape[:2]
    top = levels[n - 1]
    plus, minus = np.zeros((n_angles, 2 * top - 1)), np.zeros((n_angles, top))
    for a in range(n_angles):
        for i in range(n):
            for j in range(n):
                plus[a, levels[i] + levels[j] - 2] += matrices[a, i, j]
                minus[a, abs(levels[i] - levels[j])] += matrices[a, i, j]
    return plus, minus


@njit(cache=True, nogil=True)
def neighbourhoods(
    ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, levels: np.ndarray, alpha: int
) -> tuple[np.ndarray, np.ndarray]:
    """Dependence counts (n, n_offsets + 1) and summed differences from the neighbours' mean (n,), per rank.

    `offsets` are those of both directions; `levels` (n,) are the grey levels of the ranks. A neighbour in the ROI is
    dependent if its level differs by at most `alpha`. A voxel without neighbours has the difference 0.
    """
    dependences = np.zeros((len(levels), len(offsets) + 1))
    differences = np.zeros(len(levels))
    # float32 holds these whole numbers exactly, and numba computes in it (it widens int32 to int64).
    one, zero, nearest = np.float32(1), np.float32(0), np.float32(alpha)
    grey = np.zeros(ranks.size, np.float32)
    for voxel in voxels:
        grey[voxel] = levels[ranks[voxel] - 1]
    inside, total, dependent = np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32), np.empty(CHUNK, np.float32)
    # All positions between the first and the last voxel, in chunks that stay in the cache: the inner loops have
    # neither branches nor jumps, so that the compiler turns them into vector instructions.
    for start in range(voxels[0], voxels[-1] + 1, CHUNK):
        n = min(CHUNK, voxels[-1] + 1 - start)
        centre = grey[start : start + n]
        inside[:], total[:], dependent[:] = 0, 0, 0
        for offset in offsets:
            neighbour = grey[start + offset : start + offset + n]
            for k in range(n):
                level = neighbour[k]
                present = one if level > zero else zero
                inside[k] += present
                total[k] += level
                dependent[k] += present if abs(level - centre[k]) <= nearest else zero
        for k in range(n):
            rank = ranks[start + k] - 1
            if rank >= 0:
                dependences[rank, int(dependent[k])] += 1
                if inside[k] > 0:
                    differences[rank] += abs(np.float64(centre[k]) - np.float64(total[k]) / np.float64(inside[k]))
    return dependences, differences
