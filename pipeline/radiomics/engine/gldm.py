"""Grey level dependence matrix (GLDM): per voxel, its neighbours whose grey level differs by at most alpha.

IBSI calls it the neighbouring grey level dependence matrix (NGLDM), family REK0; a voxel counts itself.
"""

import numpy as np

from pipeline.radiomics.engine.matrix_sums import consecutive_sizes, level_size_features
from pipeline.radiomics.engine.roi import Roi

# In the order of matrix_sums.level_size_features, with the IBSI codes. PyRadiomics has no feature for two of the rows:
# the normalised grey level non-uniformity equals first-order uniformity, and the percentage is always 1.
NAMES = (
    "SmallDependenceEmphasis",  # SODN
    "LargeDependenceEmphasis",  # IMOQ
    "LowGrayLevelEmphasis",  # TL9H
    "HighGrayLevelEmphasis",  # OAE7
    "SmallDependenceLowGrayLevelEmphasis",  # EQ3F
    "SmallDependenceHighGrayLevelEmphasis",  # JA6D
    "LargeDependenceLowGrayLevelEmphasis",  # NBZI
    "LargeDependenceHighGrayLevelEmphasis",  # 9QMG
    "GrayLevelNonUniformity",  # FP8K
    "",  # 5SPA
    "DependenceNonUniformity",  # Z87G
    "DependenceNonUniformityNormalized",  # OKJI
    "",  # 6XV8
    "GrayLevelVariance",  # 1PFV
    "DependenceVariance",  # DNX2
    "DependenceEntropy",  # FCBV
)


def gldm_features(roi: Roi, *, dependences: np.ndarray) -> dict[str, float]:
    """The 14 features, named as PyRadiomics names them, from the counts (n_levels, n) that kernels.neighbourhoods made.

    Column k holds the voxels with k dependent neighbours: a dependence of k + 1.
    """
    features = level_size_features(consecutive_sizes(dependences[None], roi.levels), NAMES)
    return {name: value for name, value in features.items() if name}
