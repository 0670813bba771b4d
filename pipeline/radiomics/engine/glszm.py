"""Grey level size zone matrix (GLSZM): connected zones of equal grey level (8-connected in 2-D, 26 in 3-D).

IBSI family 9SAK, one matrix for all directions.
"""

import numpy as np

from pipeline.radiomics.engine.kernels_links import needed_links, zones
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


def glszm_features(roi: Roi, *, equal: np.ndarray) -> dict[str, float]:
    """The 16 features, named as PyRadiomics names them."""
    return level_size_features(glszm(roi, equal=equal), NAMES)


def glszm(roi: Roi, *, equal: np.ndarray) -> LevelSizeMatrix:
    """Size zone matrix (1, n_levels, n_sizes) of the sizes that occur; `equal` is equal_neighbours of the ROI."""
    directions, offsets = roi.neighbours((1,))
    x, bits = directions[:, 2], 1 << np.arange(len(directions))
    along = (directions == (0, 0, 1)).all(axis=1)
    links = needed_links(equal, bits[along].sum(), bits[(x >= 0) & ~along].sum(), bits[x < 0].sum())
    ranks, sizes = zones(roi.ranks, roi.voxels, offsets, links)
    present = np.flatnonzero(np.bincount(sizes))
    column = np.zeros(present[-1] + 1, dtype=np.int64)
    column[present] = np.arange(len(present))
    shape = (1, len(roi.levels), len(present))
    cells = np.bincount((ranks - 1) * shape[2] + column[sizes], minlength=shape[1] * shape[2])
    return LevelSizeMatrix(
        cells.reshape(shape).astype(np.float64), roi.levels.astype(np.float64), present.astype(np.float64)
    )
