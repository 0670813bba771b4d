"""One reducer per kind of block: a chain of steps, each fitted on the training rows alone."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from sklearn.base import BaseEstimator

from pipeline.foundation.params import Params
from pipeline.reduce.blocks import Kind
from pipeline.reduce.half_samples import draw_halves, half_sample_rows, select_in_halves
from pipeline.reduce.steps.agreement_filter import AgreementFilter, AgreementFilterParams
from pipeline.reduce.steps.clinical_encoder import ClinicalEncoder
from pipeline.reduce.steps.combat import Combat, CombatParams
from pipeline.reduce.steps.lasso import LassoParams, LassoSelector
from pipeline.reduce.steps.median_imputer import MedianImputer
from pipeline.reduce.steps.near_zero_variance import NearZeroVariance
from pipeline.reduce.steps.principal_components import PrincipalComponents
from pipeline.reduce.steps.spearman_pruning import SpearmanPruning
from pipeline.reduce.steps.z_score import ZScore


class ComponentParams(Params):
    """`params/reduce.yaml: pca`."""

    max_components: int = Field(ge=1, le=4096)
    variance: float = Field(gt=0, le=1)


class ReduceParams(Params):
    """`params/reduce.yaml`."""

    agreement: AgreementFilterParams | None
    harmonisation: CombatParams | None
    max_same_fraction: float = Field(ge=0.5, le=1)
    max_spearman: float = Field(gt=0, le=1)
    pca: ComponentParams
    lasso: LassoParams
    half_samples: int = Field(ge=0, le=1000)


class BlockReducer(BaseEstimator):
    """Reduce one block. Radiomics, tables and logits: impute, near-zero variance, z-score, Spearman pruning, LASSO;
    radiomics features that do not agree between repeated masks are dropped first. Deep: impute, principal components,
    near-zero variance, z-score, LASSO. Harmonisation, if requested, follows imputation. Clinical: encoded, without
    selection.

    Parameters: `kind`, `params`, `indicators` (missingness indicators; they bypass the components), `seed`, `sites` (by
    patient_id, looked up for the rows given; used by harmonisation alone).
    Learned: `steps_`, `lasso_` (None for clinical).
    """

    def __init__(
        self,
        *,
        kind: Kind,
        params: ReduceParams,
        indicators: tuple[str, ...],
        seed: int,
        sites: pd.Series | None = None,
    ) -> None:
        self.kind = kind
        self.params = params
        self.indicators = indicators
        self.seed = seed
        self.sites = sites

    def fit(
        self, X: pd.DataFrame, y: NDArray[np.int64], groups: NDArray[np.str_], repeats: pd.DataFrame | None = None
    ) -> Self:
        """Learn every step on the training rows X (n, p), y (n,) of 0 and 1, `groups` (n,).

        `repeats`: features of repeated masks of these rows' patients (None = no agreement filter).
        Raises PipelineError as LassoSelector, AgreementFilter and Combat do.
        """
        self.lasso_: LassoSelector | None = None
        self.steps_ = self._agreement(repeats)
        reduced = self._prepared(X)
        for step in self._steps():
            about = self._about(step, reduced)
            reduced = step.fit(reduced, *about).transform(reduced, *about)
            self.steps_.append(step)
        if self.kind != "clinical":
            settings = self.params.lasso
            self.lasso_ = LassoSelector(**settings.model_dump(), seed=self.seed).fit(reduced, y, groups)
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The reduced columns of X (m, p), as learned on the training rows. Raises PipelineError as Combat does."""
        prepared = self._prepared(X)
        return prepared if self.lasso_ is None else self.lasso_.transform(prepared)

    def half_samples(self, X: pd.DataFrame, y: NDArray[np.int64], groups: NDArray[np.str_]) -> list[dict[str, Any]]:
        """How often each candidate of the LASSO is kept on halves of the training rows X, as `half_sample_rows`."""
        if self.lasso_ is None or not self.params.half_samples:
            return []
        prepared = self._prepared(X)
        halves = draw_halves(y, groups, count=self.params.half_samples, seed=self.seed)
        kept = select_in_halves(prepared, y, halves=halves, penalty=self.lasso_.chosen_.penalty)
        return half_sample_rows(kept, features=list(prepared.columns))

    def unseen(self, X: pd.DataFrame) -> list[str]:
        """What X holds that the training rows did not, one sentence each (levels of clinical columns, sites)."""
        known = [step for step in self.steps_ if isinstance(step, ClinicalEncoder | Combat)]
        return [note for step in known for note in step.unseen(*(self._about(step, X) or (X,)))]

    def _prepared(self, X: pd.DataFrame) -> pd.DataFrame:
        """X after every step except the LASSO."""
        for step in self.steps_:
            X = step.transform(X, *self._about(step, X))
        return X

    def _about(self, step: Any, X: pd.DataFrame) -> tuple[pd.Series, ...]:
        """Further inputs of a step for the rows of X: their sites, for harmonisation."""
        if not isinstance(step, Combat):
            return ()
        if self.sites is None:
            raise ValueError("sites (None) must name the site of every row if params.harmonisation is set")
        return (self.sites.loc[X.index],)

    def _agreement(self, repeats: pd.DataFrame | None) -> list[Any]:
        """The fitted agreement filter; none if it is not requested or the block has no masks."""
        settings = self.params.agreement
        if settings is None or repeats is None or self.kind != "radiomics":
            return []
        return [AgreementFilter(min_lower_limit=settings.min_lower_limit).fit(repeats)]

    def _steps(self) -> list[Any]:
        params = self.params
        varying = NearZeroVariance(max_same_fraction=params.max_same_fraction)
        if self.kind == "clinical":
            return [ClinicalEncoder()]
        complete = [MedianImputer(), *self._harmonisation()]
        if self.kind == "deep":
            components = PrincipalComponents(**params.pca.model_dump(), passed=self.indicators)
            return [*complete, components, varying, ZScore()]
        pruning = SpearmanPruning(max_abs_rho=params.max_spearman)
        return [*complete, varying, ZScore(), pruning]

    def _harmonisation(self) -> list[Any]:
        settings = self.params.harmonisation
        if settings is None or self.kind not in settings.kinds:
            return []
        return [Combat(mean_only=settings.mean_only, unseen_site=settings.unseen_site, min_rows=settings.min_rows)]
