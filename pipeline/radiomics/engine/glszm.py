"""Grey level size zone matrix (GLSZM): connected zones of equal grey level (8-connected in 2-D, 26 in 3-D).

IBSI family 9SAK, one matrix for all directions.
"""

from functools import lru_cache

import numpy as np

from pipeline.radiomics.engine.kernels_links import equal_neighbours, zone_counts, zones
from pipeline.radiomics.engine.matrix_sums import LevelSizeMatrix, level_size_features
from pipeline.radiomics.engine.roi import Roi

# In the order of matrix_sums.level_size_features, with the IBSI codes.
NAMES = (
    "SmallAreaEmphasis",  # 5QRC
    "LargeAreaEmphasis",  # 48P8
    "LowGrayLevelZoneEmphasis",  # XMSY
    "HighGrayLevelZoneEmphasis",  # 5GN9
    "SmallAreaLowGrayLevelEmphasis",  # 5RAI
    "SmallAreaHighGrayLevelEmphasis",  # HW1V
    "LargeAreaLowGrayLevelEmphasis",  # YH51
    "LargeAreaHighGrayLevelEmphasis",  # J17V
    "GrayLevelNonUniformity",  # JNSA
    "GrayLevelNonUniformityNormalized",  # Y1RO
    "SizeZoneNonUniformity",  # 4JP3
    "SizeZoneNonUniformityNormalized",  # VB3A
    "ZonePercentage",  # P30P
    "GrayLevelVariance",  # BYLV
    "ZoneVariance",  # 3NSA
    "ZoneEntropy",  # GU8N
)


def glszm_features(roi: Roi) -> dict[str, float]:
    """The 16 features, named as PyRadiomics names them."""
    return level_size_features(glszm(roi), NAMES)


def glszm(roi: Roi) -> LevelSizeMatrix:
    """Size zone matrix (1, n_levels, n_sizes) of the sizes that occur."""
    voxels = roi.layout.voxels
    directions, offsets = roi.layout.neighbours((1,))
    equal = equal_neighbours(roi.ranks, voxels, offsets)
    chosen = representatives(tuple(map(tuple, directions.tolist())))
    ranks, sizes = zones(roi.ranks, voxels, offsets, equal, chosen)
    counts, present = zone_counts(ranks, sizes, len(roi.levels))
    return LevelSizeMatrix(counts[None], roi.levels, present)


@lru_cache(maxsize=16)
def representatives(directions: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """Table uint16 from a set of neighbours (bit a: the one in direction a) to one of each group of adjacent ones.

    Neighbours of a voxel that are adjacent to each other and of its level are linked already, so that the voxel needs
    a link to one of them only. At most 16 directions, none twice.
    """
    ways = np.array(directions, dtype=np.int64).reshape(-1, 3)
    adjacent = np.abs(ways[:, None] - ways).max(axis=2, initial=0) <= 1
    masks = (adjacent << np.arange(len(ways))).sum(axis=1)
    unseen = np.arange(1 << len(ways))
    chosen = np.zeros_like(unseen)
    while unseen.any():
        group = unseen & -unseen
        chosen |= group
        for _ in ways:  # grown by one neighbour in each round
            for a, mask in enumerate(masks):
                group |= np.where(group >> a & 1, mask, 0) & unseen
        unseen &= ~group
    return chosen.astype(np.uint16)
