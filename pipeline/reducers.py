"""One reducer a kind of block: a chain of steps, each fitted on the training rows alone."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from sklearn.base import BaseEstimator

from pipeline.agreement_filter import AgreementFilter, AgreementFilterParams
from pipeline.blocks import Kind
from pipeline.clinical_encoding import ClinicalEncoder
from pipeline.imputation import MedianImputer
from pipeline.lasso import LassoParams, LassoSelector
from pipeline.near_zero_variance import NearZeroVariance
from pipeline.params import Params
from pipeline.principal_components import PrincipalComponents
from pipeline.spearman_pruning import SpearmanPruning
from pipeline.z_score import ZScore


class ComponentParams(Params):
    """`params/reduce.yaml: pca`."""

    max_components: int = Field(ge=1, le=4096)
    variance: float = Field(gt=0, le=1)


class ReduceParams(Params):
    """`params/reduce.yaml`."""

    agreement: AgreementFilterParams | None
    max_same_fraction: float = Field(ge=0.5, le=1)
    max_spearman: float = Field(gt=0, le=1)
    pca: ComponentParams
    lasso: LassoParams


class BlockReducer(BaseEstimator):
    """Reduce one block. Radiomics and tables: impute, near-zero variance, z-score, Spearman pruning, LASSO; radiomics
    first lose the features that do not agree between repeated masks. Deep: impute, principal components, near-zero
    variance, z-score, LASSO. Clinical: encoded, nothing is selected.

    Parameters: `kind`, `params`, `indicators` (columns that say what was missing; they bypass the components), `seed`.
    Learned: `steps_`, `lasso_` (None for clinical).
    """

    def __init__(self, *, kind: Kind, params: ReduceParams, indicators: tuple[str, ...], seed: int) -> None:
        self.kind = kind
        self.params = params
        self.indicators = indicators
        self.seed = seed

    def fit(
        self, X: pd.DataFrame, y: NDArray[np.int64], groups: NDArray[np.str_], repeats: pd.DataFrame | None = None
    ) -> Self:
        """Learn every step on the training rows X (n, p), y (n,) of 0 and 1, `groups` (n,).

        `repeats`: features of repeated masks of these rows' patients (radiomics; None = agreement is not asked).
        Raises PipelineError as LassoSelector and AgreementFilter do.
        """
        self.lasso_: LassoSelector | None = None
        self.steps_ = self._agreement(repeats)
        reduced = self.transform(X)
        for step in self._steps():
            reduced = step.fit(reduced).transform(reduced)
            self.steps_.append(step)
        if self.kind != "clinical":
            settings = self.params.lasso
            self.lasso_ = LassoSelector(**settings.model_dump(), seed=self.seed).fit(reduced, y, groups)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The reduced columns of X (m, p), by what the training rows taught."""
        for step in self.steps_:
            X = step.transform(X)
        return X if self.lasso_ is None else self.lasso_.transform(X)

    def unseen(self, X: pd.DataFrame) -> list[str]:
        """What X holds that the training rows did not, a sentence each (clinical blocks)."""
        return self.steps_[0].unseen(X) if self.kind == "clinical" else []

    def _agreement(self, repeats: pd.DataFrame | None) -> list[Any]:
        """The filter by agreement, fitted; none where it is not asked for, or the block has no masks."""
        asked = self.params.agreement
        if asked is None or repeats is None or self.kind != "radiomics":
            return []
        return [AgreementFilter(min_lower_limit=asked.min_lower_limit).fit(repeats)]

    def _steps(self) -> list[Any]:
        params = self.params
        varying = NearZeroVariance(max_same_fraction=params.max_same_fraction)
        if self.kind == "clinical":
            return [ClinicalEncoder()]
        if self.kind == "deep":
            components = PrincipalComponents(**params.pca.model_dump(), passed=self.indicators)
            return [MedianImputer(), components, varying, ZScore()]
        pruning = SpearmanPruning(max_abs_rho=params.max_spearman)
        return [MedianImputer(), varying, ZScore(), pruning]
