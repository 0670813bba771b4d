"""Compiled loops over neighbours of equal grey level: the runs of GLRLM and the zones of GLSZM.

Arrays are those of kernels.py: flat, with a margin of zeros, and indices without a sign.
"""

from typing import Any

import numpy as np
from numba import njit

from pipeline.radiomics.engine.kernels import CHUNK


@njit(cache=True, nogil=True)
def runs_of(ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, n_levels: int, longest: int) -> np.ndarray:
    """Number of runs per offset, uint32; the table of one, (longest, n_levels + 1) by length - 1 and rank, is flat.

    A run is a maximal sequence of voxels of equal level along the direction of the offset; none exceeds `longest`.
    """
    runs = np.zeros((len(offsets), longest * (n_levels + 1)), np.uint32)
    # How many voxels of its run precede a voxel, times `side`: the row of its cell in the table.
    preceding = np.empty(ranks.size, np.uint32)
    side, one, none = np.uint32(n_levels + 1), np.uint32(1), np.uint32(0)
    for a in range(len(offsets)):
        offset, cells = offsets[a], runs[a]
        for k in range(len(preceding)):
            preceding[k] = none
        for voxel in voxels:
            rank, before = ranks[voxel], preceding[voxel]
            continued = ranks[voxel + offset] == rank
            preceding[voxel + offset] = before + side if continued else none
            # Added without a branch: 1 at the last voxel of a run, 0 at the others.
            cells[np.uint64(before) + np.uint64(rank)] += none if continued else one
    return runs


@njit(cache=True, nogil=True)
def equal_neighbours(ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Which neighbours have the level of the voxel, uint16 per position of `ranks`; at most 16 offsets.

    Bit a of a voxel is set if the neighbour at offset a is of equal level. Positions outside the ROI may have bits.
    """
    equal = np.zeros(ranks.size, np.uint16)
    end: Any = np.int64(voxels[-1]) + 1
    for start in range(np.int64(voxels[0]), end, CHUNK):
        n = min(CHUNK, end - start)
        centre, flags = ranks[start : start + n], equal[start : start + n]
        for a in range(len(offsets)):
            first, bit, none = start + np.int64(offsets[a]), np.uint16(1 << a), np.uint16(0)
            neighbour = ranks[first : first + n]
            for k in range(n):
                flags[k] |= bit if neighbour[k] == centre[k] else none
    return equal


@njit(cache=True, nogil=True)
def touching(voxels: np.ndarray, offsets: np.ndarray, size: int) -> np.ndarray:
    """Along which offsets any two voxels are neighbours (n_offsets,)."""
    inside = np.zeros(size, np.bool_)
    for voxel in voxels:
        inside[voxel] = True
    found = np.zeros(len(offsets), np.bool_)
    for a in range(len(offsets)):
        for voxel in voxels:
            if inside[voxel + offsets[a]]:
                found[a] = True
                break
    return found


@njit(cache=True, nogil=True)
def root_of(parents: np.ndarray, label: int) -> int:
    """The root of a label's tree; halves the path to it on the way."""
    while parents[label] != label:
        parents[label] = parents[parents[label]]
        label = parents[label]
    return label


@njit(cache=True, nogil=True)
def zones(
    ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, equal: np.ndarray, representatives: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rank and number of voxels of each connected zone.

    `equal` is that of `equal_neighbours`, `representatives` that of glszm.representatives. Voxels are labelled from the
    last to the first, so that the neighbours at the offsets have their labels already; a voxel whose neighbours have
    several labels joins them (union-find over labels).
    """
    step = np.zeros(1 << len(offsets), np.uint64)
    for a in range(len(offsets)):
        step[1 << a] = offsets[a]
    labels = np.empty(ranks.size, np.uint32)
    parents, sizes = np.empty(len(voxels), np.uint32), np.zeros(len(voxels), np.uint32)
    zone_ranks, n = np.empty(len(voxels), np.uint16), np.uint32(0)
    for voxel in voxels[::-1]:
        flags = representatives[equal[voxel]]
        if flags == 0:
            labels[voxel], parents[n], sizes[n], zone_ranks[n] = n, n, 1, ranks[voxel]
            n += np.uint32(1)
            continue
        bit = flags & -flags
        label = labels[voxel + step[bit]]
        labels[voxel] = label
        sizes[label] += np.uint32(1)
        flags ^= bit
        while flags != 0:
            bit = flags & -flags
            flags ^= bit
            one, other = root_of(parents, label), root_of(parents, labels[voxel + step[bit]])
            parents[max(one, other)] = min(one, other)
    found = _join(parents, sizes, zone_ranks, int(n))
    return zone_ranks[:found], sizes[:found]


@njit(cache=True, nogil=True)
def _join(parents: np.ndarray, sizes: np.ndarray, zone_ranks: np.ndarray, n: int) -> int:
    """Add the sizes of `n` labels to those of their roots; move the roots to the front and return their number."""
    found = 0
    for label in range(n - 1, -1, -1):  # parents are lower than their children, which are added up before them
        if parents[label] != label:
            sizes[parents[label]] += sizes[label]
    for label in range(n):
        if parents[label] == label:
            zone_ranks[found], sizes[found] = zone_ranks[label], sizes[label]
            found += 1
    return found


@njit(cache=True, nogil=True)
def zone_counts(ranks: np.ndarray, sizes: np.ndarray, n_levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of zones by rank and size (n_levels, m), and the sizes (m,) that occur, ascending."""
    largest, n = 0, 0
    for size in sizes:
        largest = max(largest, size)
    column = np.zeros(largest + 1, np.int64)
    for size in sizes:
        column[size] = 1
    present = np.empty(len(sizes), np.int64)
    for size in range(largest + 1):
        if column[size] > 0:
            column[size], present[n] = n, size
            n += 1
    counts = np.zeros((n_levels, n), np.int64)
    for k in range(len(sizes)):
        counts[ranks[k] - 1, column[sizes[k]]] += 1
    return counts, present[:n]
