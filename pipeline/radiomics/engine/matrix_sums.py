"""What GLRLM, GLSZM and GLDM share: a matrix of grey level against size, and sums of it under powers of both."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

EPSILON = float(np.spacing(1))  # PyRadiomics adds it to every probability before the logarithm


@dataclass(frozen=True)
class LevelSizeMatrix:
    """`counts` (n_a, n, m): how often grey level i occurs with size j (run length, zone size, dependence), per angle.

    `levels` (n,) and `sizes` (m,) are the values of i and j; every level occurs, a size need not.
    """

    counts: np.ndarray
    levels: np.ndarray
    sizes: np.ndarray


def consecutive_sizes(counts: np.ndarray, levels: np.ndarray) -> LevelSizeMatrix:
    """The matrix of `counts` (n_a, n, m), whose column k is size k + 1."""
    return LevelSizeMatrix(counts, levels, np.arange(1, counts.shape[2] + 1))


def level_size_features(matrix: LevelSizeMatrix, names: Sequence[str]) -> dict[str, float]:
    """The 16 features of a level-size matrix, averaged over the angles; NaN if no angle is left.

    `names` names them in the order of `mean_features`.
    """
    if not matrix.counts.size:
        return dict.fromkeys(names, np.nan)
    counts = np.ascontiguousarray(matrix.counts, dtype=np.float64)
    means = mean_features(counts, matrix.levels.astype(np.float64), matrix.sizes.astype(np.float64))
    return dict(zip(names, means.tolist(), strict=True))


@njit(cache=True, nogil=True)
def mean_features(counts: np.ndarray, levels: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The features (16,), averaged over the angles; N is the number of entries of an angle, p = counts / N."""
    total, row = np.zeros(16), np.empty(16)
    for a in range(len(counts)):
        by_level, by_size = _marginals(counts[a])
        n = 0.0
        for count in by_level:
            n += count
        for k in range(16):
            row[k] = 0.0
        for i in range(len(levels)):
            level_squared = levels[i] * levels[i]
            for j in range(len(sizes)):
                p = counts[a, i, j] / n
                if p == 0:
                    continue
                size_squared = sizes[j] * sizes[j]
                row[4] += p / size_squared / level_squared  # small sizes, low grey levels
                row[5] += p / size_squared * level_squared  # small sizes, high grey levels
                row[6] += p * size_squared / level_squared  # large sizes, low grey levels
                row[7] += p * size_squared * level_squared  # large sizes, high grey levels
                row[15] -= p * np.log2(p + EPSILON)  # entropy
        # Small sizes, large sizes, size non-uniformity normalised, the mean of the sizes, and their variance.
        row[0], row[1], row[11], mean, row[14] = _distribution(by_size, sizes, n)
        row[12] = 1 / mean  # percentage: entries per voxel
        # Low grey levels, high grey levels, grey level non-uniformity normalised, and the variance of the grey levels.
        row[2], row[3], row[9], _, row[13] = _distribution(by_level, levels, n)
        row[8], row[10] = n * row[9], n * row[11]  # both non-uniformities, not normalised
        for k in range(16):
            total[k] += row[k] / len(counts)
    return total


@njit(cache=True, nogil=True)
def _marginals(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums of a matrix (n, m) over its columns and over its rows."""
    by_row, by_column = np.zeros(counts.shape[0]), np.zeros(counts.shape[1])
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            by_row[i] += counts[i, j]
            by_column[j] += counts[i, j]
    return by_row, by_column


@njit(cache=True, nogil=True)
def _distribution(counts: np.ndarray, values: np.ndarray, n: float) -> tuple[float, float, float, float, float]:
    """Means of 1 / value², value² and p, the mean and the variance of the values under p = counts / n."""
    low, high, uniformity, mean, variance = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(len(values)):
        p, squared = counts[k] / n, values[k] * values[k]
        low += p / squared
        high += p * squared
        uniformity += p * p
        mean += p * values[k]
    for k in range(len(values)):
        variance += counts[k] / n * (values[k] - mean) * (values[k] - mean)
    return low, high, uniformity, mean, variance


def variances(p: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Variance (n_a,) of `values` (n,) under each distribution p (n_a, n)."""
    deviations = values - (p @ values)[:, None]
    return (p * deviations * deviations).sum(axis=1)
