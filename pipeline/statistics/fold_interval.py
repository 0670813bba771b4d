"""The mean score over the folds of repeated cross-validation, with an interval that accounts for their overlap."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as t_distribution

from pipeline.statistics.roc import NO_INTERVAL, Interval


def corrected_resampled_interval(
    values: ArrayLike, *, n_train: ArrayLike, n_test: ArrayLike, level: float = 0.95
) -> Interval:
    """mean ± t · sqrt((1 / J + n_test / n_train) · s²) on J - 1 degrees of freedom, truncated to [0, 1].

    `values`, shape (J,), are the scores of the J folds of all repeats, s² their variance; `n_train` and `n_test`, shape
    (J,), are the numbers of patients in each fold, and n_test / n_train is averaged over folds. The second term
    accounts for the training patients that folds share; without it the interval is far too narrow. Source: Nadeau and
    Bengio 2003 (Machine Learning 52:239); for repeats, Bouckaert and Frank 2004.
    NaN if there are fewer than two values, or if they do not vary. Raises ValueError for NaN or unequal shapes.
    """
    found = np.asarray(values, dtype=np.float64)
    train, test = np.asarray(n_train, dtype=np.float64), np.asarray(n_test, dtype=np.float64)
    if not found.shape == train.shape == test.shape or not np.isfinite(found).all():
        raise ValueError(f"values {found.shape}, n_train {train.shape} and n_test {test.shape} must be of one shape")
    if found.size < 2 or np.ptp(found) == 0:
        return NO_INTERVAL
    variance = (1 / found.size + float(np.mean(test / train))) * float(found.var(ddof=1))
    half = float(t_distribution.ppf((1 + level) / 2, found.size - 1)) * variance**0.5
    return max(0.0, float(found.mean()) - half), min(1.0, float(found.mean()) + half)
