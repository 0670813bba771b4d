"""Principal components of the training rows, with signs that do not depend on the machine."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from pipeline.reduce.steps.z_score import ZScore


class PrincipalComponents(BaseEstimator):
    """Standardise the columns, keep the leading components; columns named in `passed` are passed through.

    As many as explain `variance` of the total, at most `max_components`, rows - 1, and the rank. The largest loading
    of a component is positive. Columns are named pc001, pc002, … Learned: `scale_` (ZScore of the inputs),
    `loadings_` (p, k), `explained_` (k, fractions of the total variance).
    """

    def __init__(self, *, max_components: int, variance: float, passed: Sequence[str] = ()) -> None:
        self.max_components = max_components
        self.variance = variance
        self.passed = passed

    def fit(self, X: pd.DataFrame, _y: Any = None) -> Self:
        """Learn from X (n, p) without missing values."""
        self.inputs_ = X.columns[~X.columns.isin(self.passed)]
        self.scale_ = ZScore().fit(X[self.inputs_])
        scaled = self.scale_.transform(X[self.inputs_]).to_numpy()
        _, singular, loadings = np.linalg.svd(scaled, full_matrices=False)
        variances = singular**2
        tolerance = max(scaled.shape) * np.finfo(np.float64).eps
        rank = int((singular > tolerance * singular.max(initial=0.0)).sum())
        total = max(float(variances.sum()), np.finfo(np.float64).tiny)
        enough = int(np.searchsorted(np.cumsum(variances) / total, self.variance * (1 - 1e-12))) + 1
        count = min(self.max_components, len(X) - 1, rank, enough)
        largest = np.abs(loadings[:count]).argmax(axis=1) if count else np.zeros(0, dtype=np.intp)
        signs = np.sign(loadings[np.arange(count), largest])
        self.loadings_ = np.ascontiguousarray((loadings[:count] * signs[:, None]).T)
        self.explained_ = variances[:count] / total
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The components of X (m, p), then the passed columns."""
        scores = self.scale_.transform(X[self.inputs_]).to_numpy() @ self.loadings_
        names = [f"pc{place + 1:03d}" for place in range(scores.shape[1])]
        components = pd.DataFrame(scores, index=X.index, columns=pd.Index(names, dtype="str"))
        return pd.concat([components, X[[name for name in self.passed if name in X]]], axis=1)
