"""The frozen operating point of a model: logistic recalibration and threshold, fitted to out-of-fold scores only."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import ThresholdParams
from pipeline.predictions.thresholds import YOUDEN, learn_threshold

CLIP = 1e-6  # nearer than this to 0 or 1, the log-odds follow the tangent, so that they are finite at 0 and 1
MIN_SLOPE = 1e-3  # recalibration never reverses a ranking and never introduces ties
FLAT = 1e-6  # log-odds that vary less than this do not rank patients
Scores = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """Recalibrated score = expit(intercept + slope · logit(score)); positive = recalibrated score ≥ threshold."""

    intercept: float
    slope: float
    threshold: float

    def recalibrate(self, scores: Scores) -> Scores:
        """Recalibrated probabilities, shape (n,), of raw scores in [0, 1], shape (n,); strictly increasing."""
        return np.asarray(expit(self.intercept + self.slope * _log_odds(scores)), dtype=np.float64)


def _log_odds(scores: Scores) -> Scores:
    given = np.asarray(scores, dtype=np.float64)
    inside = np.clip(given, CLIP, 1 - CLIP)
    # With clipping instead, a network's saturated scores would tie, and recalibration would change the AUC.
    return np.asarray(logit(inside) + (given - inside) / CLIP, dtype=np.float64)


def _logistic_line(log_odds: Scores, labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of the smoothed labels on `log_odds`.

    The labels become (n1 + 1) / (n1 + 2) and 1 / (n0 + 2) instead of 1 and 0, so that there is a unique finite
    solution even if the scores separate the classes. Source: Platt 1999 (targets), Cox 1958 (recalibration).
    """
    n_events, n = int(labels.sum()), labels.size
    targets = np.where(labels, (n_events + 1) / (n_events + 2), 1 / (n - n_events + 2))
    centre, scale = float(log_odds.mean()), float(log_odds.std())
    prevalence = float(logit(targets.mean()))
    if np.ptp(log_odds) < FLAT:
        return prevalence - MIN_SLOPE * centre, MIN_SLOPE
    middle, height = _maximum_likelihood((log_odds - centre) / scale, targets, start=prevalence)
    slope = height / scale
    if slope < MIN_SLOPE:
        return prevalence - MIN_SLOPE * centre, MIN_SLOPE
    return middle - slope * centre, slope


def _maximum_likelihood(x: Scores, targets: Scores, *, start: float) -> tuple[float, float]:
    """Intercept and slope that maximise the Bernoulli likelihood of fractional `targets` (trust-region Newton)."""

    def loss(line: Scores) -> tuple[float, Scores]:
        linear = line[0] + line[1] * x
        residual = expit(linear) - targets
        value = np.mean(np.logaddexp(0, linear) - targets * linear)
        return float(value), np.array([residual.mean(), (residual * x).mean()])

    def curvature(line: Scores) -> NDArray[np.float64]:
        p = expit(line[0] + line[1] * x)
        weights = p * (1 - p)
        return np.array([[weights.mean(), (weights * x).mean()], [(weights * x).mean(), (weights * x**2).mean()]])

    found = minimize(loss, [start, 0.0], jac=True, hess=curvature, method="trust-exact", options={"gtol": 1e-10})
    return float(found.x[0]), float(found.x[1])


def fit_operating_point(scores: Scores, labels: NDArray[np.bool_], *, rule: ThresholdParams = YOUDEN) -> OperatingPoint:
    """Learn recalibration and threshold from out-of-fold scores, shape (n,), and labels, shape (n,).

    The minimum slope is `MIN_SLOPE`: if the out-of-fold ranking is no better than chance, every patient's probability
    is about the prevalence, and new patients keep the ranking of their raw scores.
    Raises ValueError if only one class is present or a score is not between 0 and 1.
    """
    labels, scores = np.asarray(labels).astype(bool), np.asarray(scores, dtype=np.float64)
    if labels.all() or not labels.any():
        msg = f"labels hold {int(labels.sum())} events among {labels.size} patients; both classes are needed"
        raise ValueError(msg)
    if not ((scores >= 0) & (scores <= 1)).all():
        msg = "scores must be numbers between 0 and 1"
        raise ValueError(msg)
    intercept, slope = _logistic_line(_log_odds(scores), labels)
    recalibrated = OperatingPoint(intercept=intercept, slope=slope, threshold=0.5).recalibrate(scores)
    threshold = learn_threshold(recalibrated, labels, rule=rule)
    return OperatingPoint(intercept=intercept, slope=slope, threshold=threshold)


def operating_points(raw: pd.DataFrame, *, rule: ThresholdParams = YOUDEN) -> dict[tuple[str, str], OperatingPoint]:
    """The operating point of each (feature_set, model), from the raw `cv` scores averaged over repeats.

    `raw` as in `freeze`. Raises PipelineError if a model has no cv scores, or its patients hold one class only.
    """
    points = {}
    # Sorted, so that the row order cannot change the last digit of a mean.
    ordered = raw.sort_values(["feature_set", "model", "patient_id", "resample"], kind="stable")
    for (feature_set, model), rows in ordered.groupby(["feature_set", "model"], sort=True):
        out_of_fold = rows[rows["evaluation"] == "cv"].groupby("patient_id").agg({"score": "mean", "label": "first"})
        scores, labels = out_of_fold["score"].to_numpy(dtype=np.float64), out_of_fold["label"].to_numpy().astype(bool)
        try:
            points[str(feature_set), str(model)] = fit_operating_point(scores, labels, rule=rule)
        except ValueError as error:
            msg = f"no threshold can be learned for model {model} on set {feature_set}: its out-of-fold {error}"
            raise PipelineError(msg) from error
    return points


def freeze(raw: pd.DataFrame, *, rule: ThresholdParams = YOUDEN) -> pd.DataFrame:
    """Turn raw scores into the predictions table.

    `raw` has the columns of the predictions contract without `threshold`, with raw scores: evaluation `cv` for the
    out-of-fold rows, `internal` and `external` for the rows of resample `final`. For each model, the operating point is
    learned by `rule` from the cv scores averaged over repeats, one per patient, and applied unchanged to every test
    row. The cv rows keep their raw score and an empty threshold: they are for ranking metrics only.
    An empty table stays empty. Raises PipelineError if an operating point cannot be learned.
    """
    if raw.empty:
        return raw.assign(threshold=np.nan)
    parts = []
    points = operating_points(raw, rule=rule)
    for (feature_set, model), rows in raw.groupby(["feature_set", "model"], sort=True):
        point = points[str(feature_set), str(model)]
        frozen = rows.copy()
        test = frozen["evaluation"] != "cv"
        frozen["threshold"] = np.where(test, point.threshold, np.nan)
        frozen.loc[test, "score"] = point.recalibrate(frozen.loc[test, "score"].to_numpy(dtype=np.float64))
        parts.append(frozen)
    return pd.concat(parts, ignore_index=True)
