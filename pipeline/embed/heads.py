"""The probability of a network's classification head as one more model: one score per patient, from all its views."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.embed import HEAD
from pipeline.embed.cases import EmbeddedCase
from pipeline.embed.work_plan import Plan
from pipeline.foundation.params import ThresholdParams
from pipeline.predictions.operating_point import freeze


def patient_scores(
    probabilities: NDArray[np.float64], *, patients: list[str], views: list[str], prevalence: float, scored: list[str]
) -> pd.Series:
    """One score per patient of `scored`, indexed by patient_id.

    `probabilities`, `patients` and `views` hold one entry per image. The score is the mean over the images of a view,
    then over views; a patient without a usable image gets `prevalence`, that of the network's training patients.
    """
    images = pd.DataFrame({"patient_id": patients, "view": views, "score": probabilities})
    by_view = images.groupby(["patient_id", "view"])["score"].mean()
    return by_view.groupby("patient_id").mean().reindex(sorted(scored)).fillna(prevalence)


def head_predictions(
    scores: dict[str, list[pd.Series]],
    *,
    feature_set: str,
    model: str,
    splits: pd.DataFrame,
    labels: Mapping[str, int],
    rule: ThresholdParams,
) -> pd.DataFrame:
    """The predictions table of a network's head; header only if there are no scores (frozen networks).

    Parameters: `scores` (by resample, the patient scores of each part, which are averaged), `splits` (roles),
    `labels` by patient_id. Threshold (by `rule`) and recalibration are learned from out-of-fold scores and frozen.
    """
    if not scores:
        return PREDICTIONS.empty()
    role = splits.set_index(["resample", "patient_id"])["role"]
    rows = []
    for resample, parts in scores.items():
        # Parts are added in a fixed order, so that the sum is the same to the last digit on every run.
        mean = sum(parts[1:], start=parts[0]) / len(parts)
        rows.append(pd.DataFrame({"resample": resample, "patient_id": mean.index, "score": mean.to_numpy()}))
    raw = pd.concat(rows, ignore_index=True)
    raw["evaluation"] = [role[key] for key in zip(raw["resample"], raw["patient_id"], strict=True)]
    raw["label"] = [labels[patient] for patient in raw["patient_id"]]
    raw["feature_set"], raw["model"] = feature_set, model
    return freeze(raw, rule=rule)[PREDICTIONS.names]


def predictions_table(
    results: Sequence[EmbeddedCase], *, plan: Plan, splits: pd.DataFrame, rule: ThresholdParams
) -> pd.DataFrame:
    """`predictions/<net>_head.csv`: the head probability of the network, and that of each of its views if it has any.

    Models `<net>_head` and `<net>_head_<view>`; header only for a frozen network, which has no trained head.
    """
    heads = {f"{plan.name}{HEAD}": [found.probabilities for found in results]}
    for number, view in enumerate(getattr(plan.settings, "views", ())):
        of_view = [found.view_probabilities for found in results if found.view_probabilities is not None]
        if of_view:
            heads[f"{plan.name}{HEAD}_{view}"] = [found[:, number] for found in of_view]
    tables = [
        _head(results, probabilities, model=model, plan=plan, splits=splits, rule=rule)
        for model, probabilities in heads.items()
    ]
    return pd.concat(tables, ignore_index=True)


def _head(
    results: Sequence[EmbeddedCase],
    probabilities: Sequence[NDArray[np.float64]],
    *,
    model: str,
    plan: Plan,
    splits: pd.DataFrame,
    rule: ThresholdParams,
) -> pd.DataFrame:
    inputs = plan.cohort.inputs
    scores: dict[str, list[pd.Series]] = {}
    pairs = sorted(zip(results, probabilities, strict=True), key=lambda pair: pair[0].case.job.name)
    for result, values in pairs:
        # A view that a patient lacks has no probability; nothing else can lack one (see embed_case).
        job, there = result.case.job, ~np.isnan(values)
        if not job.scored:
            continue
        rows = result.case.rows[there]
        scores.setdefault(job.resample, []).append(
            patient_scores(
                values[there],
                patients=[inputs.patient_ids[row] for row in rows],
                views=[inputs.views[row] for row in rows],
                prevalence=result.card["prevalence"],
                scored=sorted(job.scored),
            )
        )
    return head_predictions(
        scores, feature_set=plan.name, model=model, splits=splits, labels=plan.cohort.labels, rule=rule
    )
