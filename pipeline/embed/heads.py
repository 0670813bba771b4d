"""A network's own probability as one more model: one score a patient, from the images of its views."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.foundation.params import ThresholdParams
from pipeline.predictions.operating_point import freeze

COLUMNS = ["feature_set", "model", "resample", "patient_id", "evaluation", "label", "score", "threshold"]


def patient_scores(
    probabilities: NDArray[np.float64], *, patients: list[str], views: list[str], prevalence: float, scored: list[str]
) -> pd.Series:
    """One score a patient of `scored`, indexed by patient_id.

    `probabilities`, `patients` and `views` hold one entry an image. The score is the mean over the images of a view,
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
    """The predictions table of a network's head; header only where there are no scores (frozen networks).

    Parameters: `scores` (by resample, the patient scores of each part, which are averaged), `splits` (roles),
    `labels` by patient_id. Threshold (by `rule`) and recalibration are learned from out-of-fold scores and frozen.
    """
    if not scores:
        return pd.DataFrame(columns=COLUMNS)
    role = splits.set_index(["resample", "patient_id"])["role"]
    rows = []
    for resample, parts in scores.items():
        # Parts are added in a fixed order, so that the sum has the same last digit on every run.
        mean = sum(parts[1:], start=parts[0]) / len(parts)
        rows.append(pd.DataFrame({"resample": resample, "patient_id": mean.index, "score": mean.to_numpy()}))
    raw = pd.concat(rows, ignore_index=True)
    raw["evaluation"] = [role[key] for key in zip(raw["resample"], raw["patient_id"], strict=True)]
    raw["label"] = [labels[patient] for patient in raw["patient_id"]]
    raw["feature_set"], raw["model"] = feature_set, model
    return freeze(raw, rule=rule)[COLUMNS]
