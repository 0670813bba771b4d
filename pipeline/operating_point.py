"""The frozen operating point of a model: logistic recalibration and threshold, learned from out-of-fold scores only."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

CLIP = 1e-6  # keeps the log-odds of a score of 0 or 1 finite
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Recalibrated score = expit(intercept + slope · logit(score)); positive = recalibrated score ≥ threshold."""

    intercept: float
    slope: float
    threshold: float

    def recalibrate(self, scores: Scores) -> Scores:
        """Raw scores in [0, 1], shape (n,), to recalibrated probabilities, shape (n,)."""
        return np.asarray(expit(self.intercept + self.slope * _log_odds(scores)), dtype=np.float64)


def _log_odds(scores: Scores) -> Scores:
    return np.asarray(logit(np.clip(np.asarray(scores, dtype=np.float64), CLIP, 1 - CLIP)), dtype=np.float64)


def youden_threshold(scores: Scores, labels: NDArray[np.bool_]) -> float:
    """The score t that maximises sensitivity + specificity for `score >= t`; among equals the lowest.

    The threshold lies midway between two neighbouring scores, so that the last digits of a score decide nothing.
    Source: Youden 1950.
    """
    values = np.unique(scores)
    if values.size == 1:
        return float(values[0])
    candidates = (values[:-1] + values[1:]) / 2
    positive = scores[None, :] >= candidates[:, None]
    index = positive[:, labels].mean(axis=1) - positive[:, ~labels].mean(axis=1)
    return float(candidates[int(np.argmax(index))])


def fit_operating_point(scores: Scores, labels: NDArray[np.bool_]) -> OperatingPoint:
    """Learn recalibration and Youden threshold from out-of-fold scores, shape (n,), and labels, shape (n,).

    The slope is never below zero: where the out-of-fold ranking is no better than chance, every patient gets the
    prevalence, and no later ranking is turned over. Source: Cox 1958 (logistic recalibration).
    Raises ValueError where only one class is present or a score is not finite.
    """
    labels = np.asarray(labels).astype(bool)
    if labels.all() or not labels.any():
        msg = f"labels hold {int(labels.sum())} events among {labels.size} patients; both classes are needed"
        raise ValueError(msg)
    log_odds = _log_odds(scores)
    if not np.isfinite(log_odds).all():
        msg = "scores must be finite"
        raise ValueError(msg)
    prevalence = float(labels.mean())
    # C = 1e6: no penalty in practice, and still an answer where out-of-fold scores separate the classes.
    model = LogisticRegression(C=1e6, tol=1e-10, max_iter=10_000).fit(log_odds[:, None], labels)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0 or np.ptp(log_odds) == 0:
        slope, intercept = 0.0, float(logit(prevalence))
    point = OperatingPoint(intercept=intercept, slope=slope, threshold=0.5)
    recalibrated = point.recalibrate(scores)
    return OperatingPoint(intercept=intercept, slope=slope, threshold=youden_threshold(recalibrated, labels))


def freeze(raw: pd.DataFrame) -> pd.DataFrame:
    """Turn raw scores into the predictions table.

    `raw` has the columns of the predictions contract without `threshold`, with raw scores: evaluation `cv` for the
    out-of-fold rows, `internal` and `external` for the rows of resample `final`. Per model, the operating point is
    learned from the cv scores averaged over repeats, one a patient, and applied unchanged to every test row.
    The cv rows keep their raw score and an empty threshold: they are for ranking metrics only.
    """
    parts = []
    for _, rows in raw.groupby(["feature_set", "model"], sort=True):
        out_of_fold = rows[rows["evaluation"] == "cv"].groupby("patient_id").agg({"score": "mean", "label": "first"})
        point = fit_operating_point(
            out_of_fold["score"].to_numpy(dtype=np.float64), out_of_fold["label"].to_numpy().astype(bool)
        )
        frozen = rows.copy()
        test = frozen["evaluation"] != "cv"
        frozen["threshold"] = np.where(test, point.threshold, np.nan)
        frozen.loc[test, "score"] = point.recalibrate(frozen.loc[test, "score"].to_numpy(dtype=np.float64))
        parts.append(frozen)
    return pd.concat(parts, ignore_index=True)
