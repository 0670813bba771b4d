"""Compiled loops over neighbours of equal grey level: the runs of GLRLM and the zones of GLSZM.

Arrays are those of kernels.py: flat, with a margin of zeros. Directions are one of each opposite pair, so that their
offsets are positive.
"""

import numpy as np
from numba import njit

from pipeline.radiomics.engine.kernels import CHUNK


@njit(cache=True, nogil=True)
def equal_neighbours(ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which neighbours have the level of the voxel, and in which directions any two voxels touch (n_offsets,).

    The first is int32, one number per position of `ranks`: bit a is set if the neighbour at offset a is of equal level.
    """
    equal = np.zeros(ranks.size, np.int32)
    touching = np.zeros(len(offsets), np.bool_)
    for start in range(voxels[0], voxels[-1] + 1, CHUNK):
        n = min(CHUNK, voxels[-1] + 1 - start)
        centre, flags = ranks[start : start + n], equal[start : start + n]
        for a in range(len(offsets)):
            neighbour = ranks[start + offsets[a] : start + offsets[a] + n]
            bit, none, highest = np.int32(1 << a), np.int32(0), np.int32(0)
            for k in range(n):
                level = neighbour[k] if centre[k] != none else none
                flags[k] |= bit if (level == centre[k]) & (level != none) else none
                highest = max(highest, level)
            touching[a] |= highest > 0
    return equal, touching


@njit(cache=True, nogil=True)
def positions_of_bits(n_bits: int) -> np.ndarray:
    """Table from 2**a to a, for a < n_bits."""
    positions = np.zeros(1 << n_bits, np.int64)
    for a in range(n_bits):
        positions[1 << a] = a
    return positions


@njit(cache=True, nogil=True)
def follow_runs(
    ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, equal: np.ndarray, runs: np.ndarray
) -> None:
    """Correct `runs`, in which every voxel is a run of its own, for the runs of two voxels or more.

    A run is a maximal sequence of voxels of equal level along the direction of the offset. `runs` (n_offsets, n_levels,
    longest) counts them by rank and length, column k those of length k + 1. `equal` is that of `equal_neighbours`.
    """
    positions = positions_of_bits(len(offsets))
    for start in range(voxels[0], voxels[-1] + 1, CHUNK):
        n = min(CHUNK, voxels[-1] + 1 - start)
        # Bit a stays if the voxel is the first of a run along offset a: the one before it is not equal to it.
        firsts = equal[start : start + n].copy()
        for a in range(len(offsets)):
            bit, before = np.int32(1 << a), equal[start - offsets[a] : start - offsets[a] + n]
            for k in range(n):
                firsts[k] &= ~(before[k] & bit)
        for k in range(n):
            flags = firsts[k]
            while flags != 0:
                bit = flags & -flags
                flags ^= bit
                a = positions[bit]
                offset, length, following = offsets[a], 2, start + k + offsets[a]
                while equal[following] & bit:
                    length += 1
                    following += offset
                runs[a, ranks[start + k] - 1, 0] -= length
                runs[a, ranks[start + k] - 1, length - 1] += 1


@njit(cache=True, nogil=True)
def needed_links(equal: np.ndarray, along: int, others: int, behind: int) -> np.ndarray:
    """`equal` without the links that those along x, the bit `along`, make superfluous; zones stay the same.

    If a voxel is linked along x, its neighbours at the same x or the next (the bits `others`) are adjacent to that
    next voxel too. If the voxel before is linked along x, and to its neighbour in one of the directions that go one
    back in x (the bits `behind`), these two neighbours are linked along x. Inside a smooth texture only the links
    along x stay.
    """
    links = np.zeros_like(equal)
    for k in range(1, equal.size):
        superfluous = (others if equal[k] & along else 0) | (behind & equal[k - 1] if equal[k - 1] & along else 0)
        links[k] = equal[k] & ~superfluous
    return links


@njit(cache=True, nogil=True)
def root_of(parents: np.ndarray, voxel: int) -> int:
    """The root of a voxel's tree; halves the path to it on the way."""
    while parents[voxel] != voxel:
        parents[voxel] = parents[parents[voxel]]
        voxel = parents[voxel]
    return voxel


@njit(cache=True, nogil=True)
def zones(
    ranks: np.ndarray, voxels: np.ndarray, offsets: np.ndarray, links: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rank and number of voxels of each connected zone, by union-find.

    `links` is that of `equal_neighbours`, or fewer of its bits if they connect the same zones.
    """
    parents = np.arange(ranks.size).astype(np.int32)
    positions = positions_of_bits(len(offsets))
    for voxel in voxels:
        flags = links[voxel]
        if flags == 0:
            continue
        root = root_of(parents, voxel)
        while flags != 0:
            bit = flags & -flags
            flags ^= bit
            other = root_of(parents, voxel + offsets[positions[bit]])
            # The first voxel of a zone is its root.
            parents[max(root, other)] = min(root, other)
            root = min(root, other)
    sizes = np.zeros(ranks.size, np.int32)
    n_zones = 0
    for voxel in voxels:
        # Parents come first in memory, so that the parent of this voxel already points to its root.
        root = parents[parents[voxel]]
        parents[voxel] = root
        sizes[root] += 1
        n_zones += root == voxel
    # One place more than zones: a voxel that is no root writes to the place of the next zone, instead of a branch.
    zone_ranks, zone_sizes = np.empty(n_zones + 1, np.int64), np.empty(n_zones + 1, np.int64)
    found = 0
    for voxel in voxels:
        zone_ranks[found], zone_sizes[found] = ranks[voxel], sizes[voxel]
        found += parents[voxel] == voxel
    return zone_ranks[:n_zones], zone_sizes[:n_zones]
