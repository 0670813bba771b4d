"""Grey level co-occurrence matrix (GLCM): pairs of neighbours by their grey levels, per direction, features averaged.

IBSI family LFYI, aggregated over directions as in PyRadiomics: features of each matrix, then their mean.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pipeline.radiomics.engine.kernels import cooccurrences, diagonal_sums
from pipeline.radiomics.engine.matrix_sums import EPSILON, variances
from pipeline.radiomics.engine.mcc import maximal_correlations
from pipeline.radiomics.engine.roi import Roi

NAMES = (
    "Autocorrelation",
    "ClusterProminence",
    "ClusterShade",
    "ClusterTendency",
    "Contrast",
    "Correlation",
    "DifferenceAverage",
    "DifferenceEntropy",
    "DifferenceVariance",
    "Id",
    "Idm",
    "Idmn",
    "Idn",
    "Imc1",
    "Imc2",
    "InverseVariance",
    "JointAverage",
    "JointEnergy",
    "JointEntropy",
    "MCC",
    "MaximumProbability",
    "SumAverage",
    "SumEntropy",
    "SumSquares",
)

ROUNDING = 1e-13  # differences of entropies and products of standard deviations below it are 0


@dataclass(frozen=True)
class CooccurrenceMatrix:
    """Probabilities p (n_a, n, n) of pairs of grey levels, and their marginals.

    `rows`, `columns` (n_a, n) sum over j and i; `plus` (n_a, 2 top - 1) over i + j = 2, 3 …; `minus` (n_a, top) over
    |i - j| = 0, 1 …; `levels` (n,) are the grey levels of rows and columns, `top` the highest of them.
    """

    p: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    plus: np.ndarray
    minus: np.ndarray
    levels: np.ndarray


def glcm(roi: Roi, *, symmetric: bool) -> CooccurrenceMatrix:
    """The matrices of all directions in which the ROI has a pair of voxels at its distances; symmetric: both ways."""
    counts = cooccurrences(roi.ranks, roi.layout.voxels, roi.layout.offsets, len(roi.levels)).astype(np.float64)
    if symmetric:
        counts = counts + counts.transpose(0, 2, 1)
    pairs = counts.sum(axis=(1, 2))
    p = np.ascontiguousarray(counts[pairs > 0] / pairs[pairs > 0, None, None])
    plus, minus = diagonal_sums(p, roi.levels)
    return CooccurrenceMatrix(p, p.sum(axis=2), p.sum(axis=1), plus, minus, roi.levels.astype(np.float64))


def glcm_features(matrix: CooccurrenceMatrix, *, with_mcc: bool = True) -> dict[str, float]:
    """The 24 features, named as PyRadiomics names them; NaN if no direction has a pair. `with_mcc` False saves time."""
    if not len(matrix.p):
        return dict.fromkeys(NAMES, np.nan)
    per_angle = {**joint(matrix), **sums_and_differences(matrix), **information(matrix)}
    per_angle["MCC"] = (
        maximal_correlations(matrix.p, matrix.rows, matrix.columns) if with_mcc else np.full(len(matrix.p), np.nan)
    )
    values = np.array([per_angle[name] for name in NAMES])
    return dict(zip(NAMES, values.mean(axis=1).tolist(), strict=True))


def joint(matrix: CooccurrenceMatrix) -> dict[str, np.ndarray]:
    """Features (n_a,) of the joint distribution and of its first and second moments."""
    p, i = matrix.p, matrix.levels
    mean_i, mean_j = matrix.rows @ i, matrix.columns @ i
    variance_i, variance_j = variances(matrix.rows, i), variances(matrix.columns, i)
    covariance = ((i - mean_i[:, None])[:, None] @ p @ (i - mean_j[:, None])[:, :, None])[:, 0, 0]
    deviation = np.sqrt(variance_i) * np.sqrt(variance_j)
    flat = p.reshape(len(p), -1)
    return {
        "Autocorrelation": i @ p @ i,  # QWB0
        # PyRadiomics' constant if rows or columns have one level; their deviation is 0 but for rounding.
        "Correlation": np.where(deviation < ROUNDING, 1.0, covariance / (deviation + EPSILON)),  # NI2N
        "JointAverage": mean_i,  # 60VM
        "JointEnergy": (flat * flat).sum(axis=1),  # 8ZQL
        "MaximumProbability": flat.max(axis=1),  # GYBY
        "SumSquares": variance_i,  # UR99
    }


def sums_and_differences(matrix: CooccurrenceMatrix) -> dict[str, np.ndarray]:
    """Features (n_a,) of the distributions of i + j and of |i - j|."""
    plus, minus = matrix.plus, matrix.minus
    top = minus.shape[1]
    k = np.arange(2.0, 2 * top + 1)
    average = plus @ k
    centred = k - average[:, None]
    squared = centred * centred
    weighted = plus * squared
    differences = minus @ difference_weights(top)
    return {
        "SumAverage": average,  # ZGXS
        "ClusterTendency": weighted.sum(axis=1),  # DG8W
        "ClusterShade": (weighted * centred).sum(axis=1),  # 7NFM
        "ClusterProminence": (weighted * squared).sum(axis=1),  # AE86
        "SumEntropy": entropies(plus),  # P6QZ
        "DifferenceAverage": differences[:, 0],  # TF7R
        "Contrast": differences[:, 1],  # ACUI
        "Id": differences[:, 2],  # IB1Z
        "Idn": differences[:, 3],  # NDRX
        "Idm": differences[:, 4],  # WF0Z
        "Idmn": differences[:, 5],  # 1QCO
        "InverseVariance": differences[:, 6],  # E8JP
        "DifferenceVariance": variances(minus, np.arange(top, dtype=np.float64)),  # D3YU
        "DifferenceEntropy": entropies(minus),  # NTRS
    }


@lru_cache(maxsize=64)
def difference_weights(top: int) -> np.ndarray:
    """Weights (top, 7) of |i - j| = k = 0 … top - 1: k, k², and the inverses that homogeneity features sum."""
    k = np.arange(top, dtype=np.float64)
    squared = k * k
    inverse = np.divide(1.0, squared, out=np.zeros(top), where=k > 0)
    return np.array(
        [k, squared, 1 / (1 + k), 1 / (1 + k / top), 1 / (1 + squared), 1 / (1 + squared / top**2), inverse]
    ).T.copy()


def information(matrix: CooccurrenceMatrix) -> dict[str, np.ndarray]:
    """Joint entropy and the two informational measures of correlation (n_a,)."""
    rows, columns = matrix.rows, matrix.columns
    joint_entropy = entropies(matrix.p.reshape(len(rows), -1))
    entropy_i, entropy_j = entropies(rows), entropies(columns)
    largest = np.maximum(entropy_i, entropy_j)
    # The formulas' HXY1 and HXY2, cross entropies with p_i p_j, are the sum of the marginal entropies but for EPSILON,
    # which counts up to 1e-9 if levels are rare: log2(x + EPSILON) = log2(x) + EPSILON / (x ln 2).
    inverse_i, inverse_j = inverses(rows), inverses(columns)
    epsilon = EPSILON / np.log(2)
    first = entropy_i + entropy_j - epsilon * (inverse_i[:, None] @ matrix.p @ inverse_j[:, :, None])[:, 0, 0]
    second = entropy_i + entropy_j - epsilon * (inverse_i > 0).sum(axis=1) * (inverse_j > 0).sum(axis=1)
    # Independent levels share nothing; PyRadiomics gives the (root of the) rounding error there, or no value.
    first, second = first - joint_entropy, second - joint_entropy
    first, second = np.where(first < ROUNDING, 0.0, first), np.where(second < ROUNDING, 0.0, second)
    return {
        "JointEntropy": joint_entropy,  # TU9B
        "Imc1": -first / np.where(first == 0, 1.0, largest),  # R8DG
        "Imc2": np.sqrt(1 - np.exp(-2 * second)),  # JN9H
    }


def entropies(p: np.ndarray) -> np.ndarray:
    """Entropy in bits (n_a,) of each distribution (n_a, n)."""
    return -(p * np.log2(p + EPSILON)).sum(axis=1)


def inverses(p: np.ndarray) -> np.ndarray:
    """1 / p, and 0 where p is 0."""
    return np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
