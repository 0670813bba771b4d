"""Fill missing values with the medians of the training rows."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator


class MedianImputer(BaseEstimator):
    """Missing values become the median of the training rows; columns without a training value are dropped.

    Learned: `medians_` (by column). Missingness indicators are columns of the block already.
    """

    def fit(self, X: pd.DataFrame, _y: Any = None) -> Self:
        """Learn the medians of X (n, p)."""
        values = X.to_numpy(dtype=np.float64)
        seen = ~np.isnan(values).all(axis=0)
        self.medians_ = pd.Series(np.nanmedian(values[:, seen], axis=0), index=X.columns[seen])
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """X (m, p) without missing values."""
        values = X[self.medians_.index].to_numpy(dtype=np.float64)
        filled = np.where(np.isnan(values), self.medians_.to_numpy(), values)
        return pd.DataFrame(filled, index=X.index, columns=self.medians_.index)
