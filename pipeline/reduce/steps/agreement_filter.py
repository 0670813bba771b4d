"""Keep the features that agree between repeated masks (`pipeline.agreement.agreement`).

Judged by the lower limit of the ICC, so that a feature cannot pass on a high estimate from a few images.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field
from sklearn.base import BaseEstimator

from pipeline.agreement.agreement import feature_agreement
from pipeline.contracts.data.habitat import ABSENT
from pipeline.contracts.data.reduce import MISSING
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import Params


class AgreementFilterParams(Params):
    """`params/reduce.yaml: agreement`."""

    min_lower_limit: float = Field(ge=0, lt=1)


class AgreementFilter(BaseEstimator):
    """Drop a feature unless the lower 95 % limit of its agreement is at least `min_lower_limit`.

    Learned: `agreement_` (the table of `feature_agreement`), `kept_` (names of features, without a view).
    """

    def __init__(self, *, min_lower_limit: float) -> None:
        self.min_lower_limit = min_lower_limit

    def fit(self, repeats: pd.DataFrame, _y: Any = None) -> Self:
        """Learn from the repeated masks of the training patients' images; the caller excludes all other rows.

        Raises PipelineError if fewer than two of these images have repeated masks that gave features.
        """
        self.agreement_ = feature_agreement(repeats)
        counts = self.agreement_["n_images"]
        if counts.max() < 2 if len(counts) else True:
            raise PipelineError(
                "the agreement filter needs repeated masks, and fewer than 2 training images have them in "
                "data/repeats.csv and its folder; set agreement in params/reduce.yaml to null, or repeat more masks "
                "(params/agreement.yaml)"
            )
        kept = self.agreement_["ci_low"].to_numpy(dtype=np.float64) >= self.min_lower_limit
        self.kept_ = frozenset(self.agreement_.loc[kept, "feature"])
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The kept columns of X, in their order: `feature` or `feature@view`. Indicators of missing views, habitats and
        rings stay: they say where a value is imputed.

        Raises PipelineError if X has a feature that the table of repeated masks lacks.
        """
        bases = _bases(X.columns)
        if unknown := sorted(set(bases) - set(self.agreement_["feature"]) - {MISSING}):
            raise PipelineError(
                f"the repeated masks lack {len(unknown)} features of the images, first {unknown[0]}; run agreement "
                "again"
            )
        return X.loc[:, [base == MISSING or base.endswith(ABSENT) or base in self.kept_ for base in bases]]


def _bases(columns: Sequence[str] | pd.Index) -> list[str]:
    """The names of features without the view."""
    return [str(name).rpartition("@")[0] or str(name) for name in columns]
