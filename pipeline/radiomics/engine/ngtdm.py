"""Neighbourhood grey tone difference matrix (NGTDM): each grey level against the mean of the neighbours.

IBSI family IPET. A voxel without neighbours counts in n_i with the difference 0, as in PyRadiomics.
"""

import numpy as np

from pipeline.radiomics.engine.roi import Roi
from pipeline.radiomics.engine.undefined import NO_DIFFERENCE_COARSENESS


def ngtdm_features(roi: Roi, *, differences: np.ndarray) -> dict[str, float]:
    """The 5 features, named as PyRadiomics names them, from s_i (n_levels,) that kernels.neighbourhoods made.

    p_i is the share of voxels of level i. PyRadiomics' constants stand where a denominator is 0; see undefined.py.
    """
    n_voxels, n = len(roi.layout.voxels), len(roi.levels)
    i, p, s = roi.levels.astype(np.float64), roi.counts / n_voxels, differences
    p_s, i_p = p * s, i * p
    summed, total = float(p_s.sum()), float(s.sum())
    gaps = np.abs(i[:, None] - i)
    squares = gaps * gaps
    pairs = p[:, None] + p
    contrast = float(p @ squares @ p) * total / n_voxels
    busy = float(np.abs(i_p[:, None] - i_p).sum())
    return {
        "Busyness": summed / busy if busy else 0.0,  # NQ30
        "Coarseness": 1 / summed if summed else NO_DIFFERENCE_COARSENESS,  # QCDE
        "Complexity": float((gaps * (p_s[:, None] + p_s) / pairs).sum()) / n_voxels,  # HDEZ
        "Contrast": contrast / (n * (n - 1)) if n > 1 else 0.0,  # 65HE
        "Strength": float((pairs * squares).sum()) / total if total else 0.0,  # 1X9X
    }
