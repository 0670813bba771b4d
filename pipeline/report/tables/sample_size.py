"""Sample size: what the criteria for a logistic model require of each feature set, and what the study has."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from pipeline.contracts.data.cohort import NOT_CLINICAL
from pipeline.contracts.reports.report import SAMPLE_SIZE
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import Params
from pipeline.plan.feature_sets import CLINICAL, HABITAT, PERITUMORAL, PREDICTED, RADIOMICS
from pipeline.radiomics.noise_bands import noise_features
from pipeline.reduce.steps.clinical_encoder import ClinicalEncoder
from pipeline.report.inputs import ReportInputs
from pipeline.statistics.sample_size import (
    largest_r_squared,
    ordinary_r_squared,
    r_squared_of_auc,
    required_patients,
)

ROUNDING = 1e-9  # tolerance below which a number of events is not rounded up
CRITERIA = ("shrinkage", "optimism", "overall_risk", "all")
DECLARED, FROM_AUC, ORDINARY = "as given", "from the AUC as given", "share of the largest that is assumed by default"


class SampleSizeParams(Params):
    """`sample_size` in `params/report.yaml`: the performance of an earlier model of the same outcome."""

    r_squared: float | None = Field(
        default=None, gt=0, lt=1, description="Cox and Snell's, adjusted or from other patients"
    )
    auc: float | None = Field(default=None, gt=0.5, lt=1, description="R² is derived from it")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.r_squared is not None and self.auc is not None:
            raise ValueError("keys 'sample_size.r_squared' and 'sample_size.auc' are both given: keep one of them")
        return self


@dataclass(frozen=True, kw_only=True)
class _Assumed:
    """The assumptions of the criteria about the outcome and a model of it."""

    prevalence: float
    r_squared: float
    source: str


def sample_size_table(study: ReportInputs, *, role: pd.Series, params: SampleSizeParams) -> pd.DataFrame:
    """The requirements of `required_patients` for each feature set, and what the study has.

    `parameters` counts all candidates before any reduction or selection: free parameters of the clinical
    columns in the training patients, image features by view, widths of embeddings by view. `n_offered` reach the
    LASSO (or the model, if nothing is selected), `n_fitted` the final model. Prevalence: that of the training
    patients. `n_fit`: training patients of the smallest fit (halves, if a set has a cross-fitted network or is
    matched to one); enough = yes if these are at least as many as required. Events per parameter, counted in the
    rarer of the two outcomes: `epp` required, `epp_available` available, `epp_fitted` per feature of the final model.
    Raises PipelineError if the given R² is impossible.
    """
    columns = SAMPLE_SIZE.names
    labels = study.patients.set_index("patient_id")["label"].astype(float)
    train = labels[labels.index.map(role) == "train"]
    if train.nunique() < 2:
        return pd.DataFrame(columns=columns)
    assumed = _assumed(params, prevalence=float(train.mean()))
    rows = [row for name in study.sets for row in _rows(study, name=name, train=train, assumed=assumed)]
    whole = {column.name: "Int64" for column in SAMPLE_SIZE.columns if column.kind == "integer"}
    return pd.DataFrame(rows).reindex(columns=columns).astype(whole)


def _assumed(params: SampleSizeParams, *, prevalence: float) -> _Assumed:
    if params.auc is not None:
        r_squared = r_squared_of_auc(params.auc, prevalence=prevalence)
        return _Assumed(prevalence=prevalence, r_squared=r_squared, source=FROM_AUC)
    if params.r_squared is None:
        return _Assumed(prevalence=prevalence, r_squared=ordinary_r_squared(prevalence), source=ORDINARY)
    maximum = largest_r_squared(prevalence)
    if params.r_squared >= maximum:
        raise PipelineError(
            f"params/report.yaml: key 'sample_size.r_squared' has the value {params.r_squared}: with {prevalence:.3f} "
            f"of the training patients having the event, R² of Cox and Snell stays below {maximum:.3f}"
        )
    return _Assumed(prevalence=prevalence, r_squared=params.r_squared, source=DECLARED)


def _rows(study: ReportInputs, *, name: str, train: pd.Series, assumed: _Assumed) -> list[dict[str, Any]]:
    blocks = [str(block) for block in study.params.get("fusion", {}).get("sets", {}).get(name, [])]
    counts = [_candidates(study, block, train=train.index) for block in blocks]
    parameters = sum(count or 0 for count in counts) if counts and None not in counts else 0
    shared: dict[str, Any] = {"feature_set": name, "note": _note(blocks=blocks, parameters=parameters)}
    shared |= {"prevalence": assumed.prevalence, "r_squared": assumed.r_squared, "r_squared_from": assumed.source}
    shared |= _available(study, name=name, train=train, parameters=parameters)
    if not parameters:
        return [shared | {"criterion": criterion} for criterion in CRITERIA]
    asked = required_patients(parameters, prevalence=assumed.prevalence, r_squared=assumed.r_squared)
    required = dict(zip(CRITERIA, (asked.shrinkage, asked.optimism, asked.overall_risk, asked.required), strict=True))
    return [
        shared
        | {
            "criterion": criterion,
            "required_n": n,
            "required_events": ceil(n * assumed.prevalence - ROUNDING),
            "epp": n * min(assumed.prevalence, 1 - assumed.prevalence) / parameters,
            "enough": "yes" if shared["n_fit"] >= n else "no",
        }
        for criterion, n in required.items()
    ]


def _available(study: ReportInputs, *, name: str, train: pd.Series, parameters: int) -> dict[str, Any]:
    """What the study has for one feature set."""
    reduced = study.reduced[name]
    fits = [train[list(rows["patient_id"])] for _, rows in reduced[reduced["role"] == "train"].groupby("part")]
    smallest = min(fits, key=len, default=train)
    offered, fitted = _offered(study, name=name), study.final_features(name)
    return {
        "parameters": parameters or None,
        "n_offered": offered,
        "n_fitted": fitted or None,
        "n_train": len(train),
        "events_train": int(train.sum()),
        "n_fit": len(smallest),
        "events_fit": int(smallest.sum()),
        "epp_available": _rarer(train) / parameters if parameters else None,
        "epp_fitted": _rarer(smallest) / fitted if fitted else None,
    }


def _rarer(labels: pd.Series) -> int:
    return int(min(labels.sum(), len(labels) - labels.sum()))


def _candidates(study: ReportInputs, block: str, *, train: pd.Index) -> int | None:
    """Candidate predictors of a block, None if no table of the report gives their number."""
    views = study.cohort["view"].nunique()
    if block == CLINICAL:
        patients = study.patients.set_index("patient_id").loc[train]
        columns = [name for name in patients.columns if name not in NOT_CLINICAL]
        encoded = ClinicalEncoder().fit(patients[columns]).transform(patients[columns])
        # Free parameters beside the constant: the columns of all levels of a category sum to one.
        return int(np.linalg.matrix_rank(np.column_stack([np.ones(len(encoded)), encoded]))) - 1
    if block == HABITAT:  # columns of habitats that no clustering has are empty everywhere
        columns = study.regions.habitats.drop(columns=["resample", "part", "image_id"], errors="ignore")
        return int(columns.notna().any().sum()) * views or None
    if block == PERITUMORAL:
        return int((study.dictionary["block"] == PERITUMORAL).sum()) * views or None
    if block in (RADIOMICS, PREDICTED):
        features = [str(name) for name in study.dictionary.loc[study.dictionary["block"] == RADIOMICS, "feature"]]
        return (len(features) - len(noise_features(features))) * views or None
    widths = {int(card["embedding_width"]) for card in study.cards.get(block, []) if card.get("embedding_width")}
    return max(widths) * views if widths else None


def _offered(study: ReportInputs, *, name: str) -> int | None:
    """The maximum number of features that reach the LASSO in a part of resample `final`, plus the clinical columns.

    Clinical columns pass no LASSO. None if the candidates of the LASSO were not written (no half-samples).
    """
    halves, reduced = study.half_samples[name], study.reduced[name]
    clinical = sum(str(column).startswith(f"{CLINICAL}.") for column in reduced.columns)
    if set(study.params.get("fusion", {}).get("sets", {}).get(name, [])) == {CLINICAL}:
        return clinical or None
    return int(halves.groupby("part").size().max()) + clinical if len(halves) else None


def _note(*, blocks: Sequence[str], parameters: int) -> str:
    if not parameters:
        return "the report has no table that gives the number of candidates of every block"
    if set(blocks) <= {CLINICAL}:
        return "nothing is selected: the model takes every candidate"
    return (
        "candidates are reduced without the outcome, then selected by the LASSO; the criteria account for neither, so "
        "that the required number is that of a model of all candidates"
    )
