"""Grey level run length matrix (GLRLM): runs of voxels of equal grey level, per direction, features averaged.

IBSI family TP0I, aggregated over directions as in PyRadiomics: features of each matrix, then their mean (ITBB).
"""

from pipeline.radiomics.engine.kernels_links import runs_of
from pipeline.radiomics.engine.matrix_sums import LevelSizeMatrix, consecutive_sizes, level_size_features
from pipeline.radiomics.engine.roi import Roi

# In the order of matrix_sums.level_size_features, with the IBSI codes.
NAMES = (
    "ShortRunEmphasis",  # 22OV
    "LongRunEmphasis",  # W4KF
    "LowGrayLevelRunEmphasis",  # V3SW
    "HighGrayLevelRunEmphasis",  # G3QZ
    "ShortRunLowGrayLevelEmphasis",  # HTZT
    "ShortRunHighGrayLevelEmphasis",  # GD3A
    "LongRunLowGrayLevelEmphasis",  # IVPO
    "LongRunHighGrayLevelEmphasis",  # 3KUM
    "GrayLevelNonUniformity",  # R5YN
    "GrayLevelNonUniformityNormalized",  # OVBL
    "RunLengthNonUniformity",  # W92Y
    "RunLengthNonUniformityNormalized",  # IC23
    "RunPercentage",  # 9ZK5
    "GrayLevelVariance",  # 8CE5
    "RunVariance",  # SXLW
    "RunEntropy",  # HJ9O
)


def glrlm_features(roi: Roi) -> dict[str, float]:
    """The 16 features, named as PyRadiomics names them; NaN if no direction has two voxels on one line."""
    return level_size_features(glrlm(roi), NAMES)


def glrlm(roi: Roi) -> LevelSizeMatrix:
    """Run length matrices (n_a, n_levels, n_lengths) of the directions in which the ROI has any extent.

    A direction in which every line holds at most one voxel of the ROI says nothing about runs: it is dropped.
    """
    layout = roi.layout
    _, offsets = layout.neighbours((1,))
    n_levels, longest = len(roi.levels), max(layout.extents)
    runs = runs_of(roi.ranks, layout.voxels, offsets[layout.lines], n_levels, longest)
    return consecutive_sizes(runs.reshape(-1, longest, n_levels + 1)[:, :, 1:].transpose(0, 2, 1), roi.levels)
