"""What GLRLM, GLSZM and GLDM share: a matrix of grey level against size, and sums of it under powers of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EPSILON = np.spacing(1)  # PyRadiomics adds it to every probability before the logarithm


@dataclass(frozen=True)
class LevelSizeMatrix:
    """`counts` (n_a, n, m): how often grey level i occurs with size j (run length, zone size, dependence), per angle.

    `levels` (n,) and `sizes` (m,) are the values of i and j; sizes that never occur are absent.
    """

    counts: np.ndarray
    levels: np.ndarray
    sizes: np.ndarray


def occupied_sizes(counts: np.ndarray, levels: np.ndarray) -> LevelSizeMatrix:
    """The matrix without the empty columns of `counts` (n_a, n, m), whose column k is size k + 1."""
    present = np.flatnonzero(counts.any(axis=(0, 1)))
    return LevelSizeMatrix(counts[:, :, present], levels.astype(np.float64), present + 1.0)


def level_size_features(matrix: LevelSizeMatrix, names: Sequence[str]) -> dict[str, float]:
    """The 16 features of a level-size matrix, averaged over the angles; NaN if no angle is left.

    `names` names them in the order of the rows below. N is the number of entries of an angle's matrix, p = counts / N.
    """
    counts, i, j = matrix.counts, matrix.levels, matrix.sizes
    if not counts.size:
        return dict.fromkeys(names, np.nan)
    by_level, by_size = counts.sum(axis=2), counts.sum(axis=1)
    n = by_level.sum(axis=1)
    i2, j2 = i * i, j * j
    level_weights = np.array([np.ones_like(i), 1 / i2, i2])
    size_weights = np.array([np.ones_like(j), 1 / j2, j2, j])
    # sums[a, v, w]: entries of angle a, weighted by row v of level_weights and row w of size_weights.
    sums = level_weights @ counts @ size_weights.T / n[:, None, None]
    by_level, by_size = by_level / n[:, None], by_size / n[:, None]
    p = counts / n[:, None, None]
    same_level, same_size = (by_level * by_level).sum(axis=1), (by_size * by_size).sum(axis=1)
    rows = np.array(
        [
            sums[:, 0, 1],  # small sizes
            sums[:, 0, 2],  # large sizes
            sums[:, 1, 0],  # low grey levels
            sums[:, 2, 0],  # high grey levels
            sums[:, 1, 1],  # small sizes, low grey levels
            sums[:, 2, 1],  # small sizes, high grey levels
            sums[:, 1, 2],  # large sizes, low grey levels
            sums[:, 2, 2],  # large sizes, high grey levels
            n * same_level,  # grey level non-uniformity
            same_level,  # the same, normalised
            n * same_size,  # size non-uniformity
            same_size,  # the same, normalised
            1 / sums[:, 0, 3],  # percentage: entries per voxel
            variances(by_level, i),  # of the grey levels
            variances(by_size, j),  # of the sizes
            -(p * np.log2(p + EPSILON)).sum(axis=(1, 2)),  # entropy
        ]
    )
    return dict(zip(names, rows.mean(axis=1).tolist(), strict=True))


def variances(p: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Variance (n_a,) of `values` (n,) under each distribution p (n_a, n)."""
    deviations = values - (p @ values)[:, None]
    return (p * deviations * deviations).sum(axis=1)
