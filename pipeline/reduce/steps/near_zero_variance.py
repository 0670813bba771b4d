"""Drop the columns that hardly vary over the training rows."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

ROUNDING = 1e-9  # a range below this fraction of the largest value is rounding, not variation


class NearZeroVariance(BaseEstimator):
    """Keep a column unless one value fills more than `max_same_fraction` of the training rows, or it is constant.

    Scale-free, since radiomics features span twenty orders of magnitude. With `max_same_fraction` 1 only constant
    columns are dropped. Learned: `kept_` (column names).
    """

    def __init__(self, *, max_same_fraction: float) -> None:
        self.max_same_fraction = max_same_fraction

    def fit(self, X: pd.DataFrame, _y: Any = None) -> Self:
        """Learn which columns of X (n, p), without missing values, to keep."""
        values = np.sort(X.to_numpy(dtype=np.float64), axis=0)
        n = len(values)
        spread = values[-1] - values[0] > ROUNDING * np.maximum(np.abs(values[0]), np.abs(values[-1]))
        # In a sorted column, a value that fills more than k rows equals the value k rows further on.
        allowed = int(np.floor(self.max_same_fraction * n + 1e-9))
        filled = (values[allowed:] == values[: n - allowed]).any(axis=0) if allowed < n else np.zeros_like(spread)
        self.kept_ = X.columns[spread & ~filled]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The kept columns of X, unchanged."""
        return X[self.kept_]
