"""Grey level run length matrix (GLRLM): runs of voxels of equal grey level, per direction, features averaged.

IBSI family TP0I, aggregated over directions as in PyRadiomics: features of each matrix, then their mean (ITBB).
"""

import numpy as np

from pipeline.radiomics.engine.kernels_links import follow_runs
from pipeline.radiomics.engine.matrix_sums import LevelSizeMatrix, level_size_features, occupied_sizes
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


def glrlm_features(roi: Roi, *, equal: np.ndarray, touching: np.ndarray) -> dict[str, float]:
    """The 16 features, named as PyRadiomics names them; NaN if no direction has two voxels on one line."""
    return level_size_features(glrlm(roi, equal=equal, touching=touching), NAMES)


def glrlm(roi: Roi, *, equal: np.ndarray, touching: np.ndarray) -> LevelSizeMatrix:
    """Run length matrices (n_a, n_levels, n_lengths) of the directions in which the ROI has any extent.

    A direction in which every line holds at most one voxel of the ROI says nothing about runs: it is dropped.
    `equal` and `touching` are those of kernels_links.equal_neighbours.
    """
    directions, offsets = roi.neighbours((1,))
    runs = np.zeros((len(offsets), len(roi.levels), max(roi.extents)))
    runs[:, :, 0] = roi.counts
    follow_runs(roi.ranks, roi.voxels, offsets, equal, runs)
    kept = [touches or shares_line(roi, way) for touches, way in zip(touching, directions, strict=True)]
    return occupied_sizes(runs[np.array(kept, dtype=bool)], roi.levels)


def shares_line(roi: Roi, direction: np.ndarray) -> bool:
    """Whether two voxels of the ROI lie on one line along the direction (3,), adjacent or not."""
    coordinates = np.stack(np.unravel_index(roi.voxels, roi.shape), axis=1)
    axis = np.flatnonzero(direction)[0]
    # Move each voxel along its line to coordinate 0 of one axis: voxels of one line end in one place.
    starts = coordinates - (coordinates[:, axis] * direction[axis])[:, None] * direction
    return len(np.unique(starts, axis=0)) < len(starts)
