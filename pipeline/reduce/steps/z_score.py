"""Scale columns by the mean and standard deviation of the training rows."""

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator


class ZScore(BaseEstimator):
    """(x - mean) / SD of the training rows, SD with 1/n as in glmnet; a constant column becomes 0.

    Learned: `means_`, `sds_` (arrays by column).
    """

    def fit(self, X: pd.DataFrame, _y: Any = None) -> Self:
        """Learn from X (n, p) without missing values."""
        values = X.to_numpy(dtype=np.float64)
        self.means_ = values.mean(axis=0)
        sds = values.std(axis=0)
        self.sds_ = np.where(sds > 1e-12 * np.abs(values).max(axis=0, initial=0.0), sds, np.inf)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """z-scores of X (m, p)."""
        scaled = (X.to_numpy(dtype=np.float64) - self.means_) / self.sds_
        return pd.DataFrame(scaled, index=X.index, columns=X.columns)
