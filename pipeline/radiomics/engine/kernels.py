"""Compiled loops over the voxels of a ROI.

The kernels of matrices work on flat arrays: the ROI's bounding box with a margin of zeros around it, so that a
neighbour of a voxel is at a fixed distance in memory (`offset`) and is 0 if it is outside the ROI. 2-D images are 3-D
arrays of one slice. `ranks` uint16 holds 1 + the index of a voxel's level among the occupied levels, 0 outside the ROI;
`voxels` (n,) uint64 are the flat indices of the ROI's voxels, ascending. Offsets are those of one of each opposite
pair of directions, so that they are positive. Indices are unsigned, since numba tests signed ones for negative values,
and matrices are counted in whole numbers: both halve the time.
"""

from typing import Any

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
def places_in_margin(inside: np.ndarray, margins: np.ndarray, n_voxels: int) -> np.ndarray:
    """Flat indices (n_voxels,) of the voxels of a mask (nz, ny, nx) with `margins` (3,) voxels on either side."""
    nz, ny, nx = inside.shape
    height, width = ny + 2 * margins[1], nx + 2 * margins[2]
    voxels = np.empty(n_voxels, np.uint64)
    found = 0
    for z in range(nz):
        for y in range(ny):
            start = ((z + margins[0]) * height + y + margins[1]) * width + margins[2]
            for x in range(nx):
                if inside[z, y, x]:
                    voxels[found] = start + x
                    found += 1
    return voxels


@njit(cache=True, nogil=True)
def level_counts(levels: np.ndarray) -> np.ndarray:
    """The number of voxels of each level from 0 to the highest of `levels` (n,) int32, which are 1 or more."""
    top = 0
    for level in levels:
        top = max(top, level)
    counts = np.zeros(top + 1, np.int64)
    for level in levels:
        counts[level] += 1
    return counts


@njit(cache=True, nogil=True)
def ranks_in_margin(levels: np.ndarray, voxels: np.ndarray, occupied: np.ndarray, size: int) -> np.ndarray:
    """The flat array (size,) of the ranks of `levels` (n,) at `voxels`, 0 elsewhere."""
    rank_of_level = np.zeros(occupied[-1] + 1, np.uint16)
    for rank in range(len(occupied)):
        rank_of_level[occupied[rank]] = rank + 1
    ranks = np.zeros(size, np.uint16)
    for k in range(len(voxels)):
        ranks[voxels[k]] = rank_of_level[levels[k]]
    return ranks


@njit(cache=True, nogil=True)
def cooccurrences(ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, n_levels: int) -> np.ndarray:
    """Number of voxels of rank i whose neighbour at an offset has rank j: (n_offsets, n_levels, n_levels) uint32."""
    # Row and column 0 collect the neighbours outside the ROI: one addition is cheaper than a branch.
    one = np.uint32(1)
    counts = np.zeros((len(offsets), n_levels + 1, n_levels + 1), np.uint32)
    for a in range(len(offsets)):
        offset, cells = offsets[a], counts[a]
        for voxel in voxels:
            cells[np.uint64(ranks[voxel]), np.uint64(ranks[voxel + offset])] += one
    return counts[:, 1:, 1:]


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
def neighbours_inside(voxels: np.ndarray, offsets: np.ndarray, size: int) -> np.ndarray:
    """For each of the `voxels`, the number (n,) of its neighbours, at the offsets and their opposites, in the ROI."""
    inside = np.zeros(size, np.uint8)
    for voxel in voxels:
        inside[voxel] = 1
    found = np.zeros(len(voxels), np.int32)
    for offset in offsets:
        for k in range(len(voxels)):
            found[k] += inside[voxels[k] + offset] + inside[voxels[k] - offset]
    return found


@njit(cache=True, nogil=True)
def _add_neighbours(
    levels: np.ndarray, start: int, offsets: np.ndarray, chunk: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
) -> None:
    """Add the levels of all neighbours of a chunk to `total`, and those between `low` and `high` to `dependent`."""
    low, high, total, dependent = chunk
    n = len(low)
    for step in offsets:
        offset = np.int64(step)
        after, before = levels[start + offset : start + offset + n], levels[start - offset : start - offset + n]
        for k in range(n):
            total[k] += after[k] + before[k]
            dependent[k] += (after[k] >= low[k]) & (after[k] <= high[k])
            dependent[k] += (before[k] >= low[k]) & (before[k] <= high[k])


@njit(cache=True, nogil=True)
def neighbourhoods(
    ranks: np.ndarray, voxels: np.ndarray, around: tuple[np.ndarray, np.ndarray], grey: np.ndarray, alpha: int
) -> tuple[np.ndarray, np.ndarray]:
    """Dependence counts (n, 2 n_offsets + 1) and summed differences from the neighbours' mean (n,), per rank.

    `around` are the offsets and the result of `neighbours_inside`. `grey` (n + 1,) is 0 and the grey level of each rank
    plus `alpha`, so that no voxel depends on one outside the ROI; sums of its values over all neighbours must fit into
    its number type. A neighbour is dependent if its level differs by at most `alpha`. A voxel without neighbours has
    the difference 0.
    """
    offsets, inside = around
    dependences, differences = np.zeros((len(grey), 2 * len(offsets) + 1), np.uint32), np.zeros(len(grey))
    levels = np.zeros(ranks.size, grey.dtype)
    for voxel in voxels:
        levels[voxel] = grey[ranks[voxel]]
    total, dependent = np.empty(CHUNK, grey.dtype), np.empty(CHUNK, grey.dtype)
    low, high = np.empty(CHUNK, grey.dtype), np.empty(CHUNK, grey.dtype)
    at, one = 0, np.uint32(1)
    # All positions between the first and the last voxel, in chunks that stay in the cache: the inner loops have
    # neither branches nor jumps, so that the compiler turns them into vector instructions of 16 numbers.
    end: Any = np.int64(voxels[-1]) + 1
    for start in range(np.int64(voxels[0]), end, CHUNK):
        n = min(CHUNK, end - start)
        for k in range(n):
            total[k], dependent[k] = 0, 0
            low[k], high[k] = levels[start + k] - alpha, levels[start + k] + alpha
        _add_neighbours(levels, start, offsets, (low[:n], high[:n], total, dependent))
        while at < len(voxels) and np.int64(voxels[at]) < start + n:
            here, rank, n_around = np.uint64(voxels[at] - np.uint64(start)), np.uint64(ranks[voxels[at]]), inside[at]
            dependences[rank, np.uint64(dependent[here])] += one
            if n_around > 0:
                mean = (np.float64(total[here]) - n_around * alpha) / n_around
                differences[rank] += abs(np.float64(low[here]) - mean)
            at += 1
    return dependences[1:], differences[1:]
