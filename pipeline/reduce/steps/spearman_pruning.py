"""Of highly correlated features, keep one."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.base import BaseEstimator

ROUNDING = 1e-12


def spearman(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spearman's rho (p, p) of the columns of `values` (n, p), ties with mean ranks; 0 for a constant column."""
    ranks = rankdata(values, axis=0)
    centred = ranks - ranks.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    unit = centred / np.where(lengths > 0, lengths, np.inf)
    return unit.T @ unit


class SpearmanPruning(BaseEstimator):
    """Drop each column whose |rho| with an earlier kept column is above `max_abs_rho`.

    Columns are taken in the table's order, so that the first of two highly correlated ones is kept: PyRadiomics lists
    the unfiltered image before the filtered ones, hence the simpler feature. The outcome is not used.
    Learned: `kept_` (column names).
    """

    def __init__(self, *, max_abs_rho: float) -> None:
        self.max_abs_rho = max_abs_rho

    def fit(self, X: pd.DataFrame, _y: Any = None) -> Self:
        """Learn from X (n, p) without missing values."""
        close = np.abs(spearman(X.to_numpy(dtype=np.float64))) > self.max_abs_rho + ROUNDING
        kept = np.ones(X.shape[1], dtype=np.bool_)
        for place in range(X.shape[1]):
            if kept[place]:
                kept[place + 1 :] &= ~close[place, place + 1 :]
        self.kept_ = X.columns[kept]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The kept columns of X, unchanged."""
        return X[self.kept_]
