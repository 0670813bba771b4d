"""`metrics.csv`: every measure of every model with its interval and the name of the method behind it.

Discrimination is the AUC with the logit-transformed DeLong interval; if the AUC is 0 or 1 or has no variance, a
score-type interval replaces it under its own name. The plain DeLong interval is given for comparison with pROC.
Partial AUC and average precision have bootstrap intervals. At the frozen threshold: accuracy, sensitivity, specificity,
PPV and NPV with Wilson intervals, PPV and NPV at the prevalence set in the params, the no-information rate, Cohen's
kappa with the outcome, and F1, balanced accuracy and Matthews' correlation with bootstrap intervals. Cross-validation
gives ranking metrics only: the mean of the per-fold AUCs with Nadeau and Bengio's interval, and the AUC of the pooled
out-of-fold scores with a DeLong interval that is approximate, since the folds' models differ.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.reports.compare import METRICS
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores, id_hash
from pipeline.statistics.auc_intervals import logit_interval, plain_interval, score_interval
from pipeline.statistics.bootstrap import bootstrap_intervals
from pipeline.statistics.calibration import brier
from pipeline.statistics.confusion import (
    Confusion,
    confusion,
    no_information_rate,
    resampled_measures,
    threshold_measures,
)
from pipeline.statistics.fold_interval import corrected_resampled_interval
from pipeline.statistics.kappa import cohen_kappa
from pipeline.statistics.partial_auc import corrected, partial_auc
from pipeline.statistics.precision_recall import average_precision
from pipeline.statistics.predictive_values import predictive_values
from pipeline.statistics.roc import NO_INTERVAL, Interval, auc_variances, placements

LOGIT, PLAIN = "logit DeLong", "DeLong (pROC-compatible)"
SCORE = "Newcombe score (AUC of 0 or 1, or no variance)"
POOLED = "{}, approximate: pooled out-of-fold scores"
FOLDS, WILSON = "mean of folds; corrected resampled t (Nadeau and Bengio)", "Wilson"
BOOTSTRAP, LOGIT_BAYES = "bootstrap percentile, stratified", "logit (Mercaldo)"
KAPPA, BINOMIAL = "asymptotic (Fleiss, Cohen and Everitt)", "p of accuracy above the rate, one-sided binomial"
Row = dict[str, Any]
Numbers = NDArray[np.float64]


def metric_table(models: Sequence[ModelScores], *, folds: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`metrics.csv`: one row per model, evaluation and metric; undefined values are empty.

    Each row carries the numbers of patients with and without the event and the hash of their ids. `folds` is the table
    of `fold_table`.
    """
    rows: list[Row] = []
    by_model = {key: table.dropna(subset="auc") for key, table in folds.groupby(["feature_set", "model"])}
    hashes = {ids: id_hash(ids) for ids in {model.ids for model in models}}
    for model in models:
        shared = {
            "feature_set": model.feature_set,
            "model": model.model,
            "evaluation": model.evaluation,
            "n_pos": model.n_pos,
            "n_neg": model.n_neg,
            "id_hash": hashes[model.ids],
        }
        if model.evaluation == "cv":
            found = _cv_metrics(model, folds=by_model[model.feature_set, model.model])
        else:
            found = _test_metrics(model, params=params)
        rows += [shared | row for row in found]
    return pd.DataFrame(rows, columns=METRICS.names)


def _row(metric: str, estimate: float, interval: Interval | None = None, method: str | None = None) -> Row:
    low, high = interval or NO_INTERVAL
    return {"metric": metric, "estimate": float(estimate), "ci_low": low, "ci_high": high, "ci_method": method}


def _auc(model: ModelScores) -> tuple[float, Interval, str, Interval]:
    """AUC, its interval, the method of it, and its plain interval; NaN if one class is missing."""
    if not model.both_classes:
        return float("nan"), NO_INTERVAL, LOGIT, NO_INTERVAL
    placed = placements(model.scores, labels=model.labels)
    auc, variance = float(placed.auc[0]), float(auc_variances(placed)[0])
    plain = plain_interval(auc, variance=variance)
    if auc in (0.0, 1.0) or variance == 0:
        return auc, score_interval(auc, n_pos=model.n_pos, n_neg=model.n_neg), SCORE, plain
    return auc, logit_interval(auc, variance=variance), LOGIT, plain


def _cv_metrics(model: ModelScores, *, folds: pd.DataFrame) -> list[Row]:
    auc, interval, method, _ = _auc(model)
    n_test = (folds["n_pos"] + folds["n_neg"]).to_numpy(dtype=np.float64)
    of_folds = corrected_resampled_interval(folds["auc"], n_train=len(model.ids) - n_test, n_test=n_test)
    return [
        _row("auc", folds["auc"].mean(), of_folds, FOLDS),
        _row("auc_sd", folds["auc"].std(ddof=1), None, "SD over folds"),
        _row("auc_pooled", auc, interval, POOLED.format(method)),
    ]


def _test_metrics(model: ModelScores, *, params: CompareParams) -> list[Row]:
    auc, interval, method, plain = _auc(model)
    rows = [_row("auc", auc, interval, method), _row("auc_plain", auc, plain, PLAIN)]
    if not model.both_classes:
        return rows
    resampled = _bootstrap(model, params=params)
    rows += [
        *_area_rows(model, params=params, resampled=resampled),
        _row("brier", brier(model.scores, labels=model.labels)),
    ]
    if model.threshold is None:
        return rows
    counts = confusion(model.scores, labels=model.labels, threshold=model.threshold)
    rows += _proportion_rows(counts, prevalence=params.prevalence)
    measures = threshold_measures(tp=counts.tp, fp=counts.fp, tn=counts.tn, fn=counts.fn)
    rows += [_resampled_row(name, float(value), resampled) for name, value in measures.items()]
    rows.append(_row("threshold", model.threshold))
    return rows + [_row(name, float(getattr(counts, name))) for name in ("tp", "fp", "tn", "fn")]


def _resampled_row(name: str, estimate: float, resampled: dict[str, Interval]) -> Row:
    return _row(name, estimate, resampled.get(name), BOOTSTRAP if name in resampled else None)


def _area_rows(model: ModelScores, *, params: CompareParams, resampled: dict[str, Interval]) -> list[Row]:
    part = params.partial_auc
    areas = partial_auc(model.scores, labels=model.labels, axis=part.axis, low=part.low, high=part.high)
    rescaled = float(corrected(areas, low=part.low, high=part.high)[0])
    found = [
        _resampled_row("average_precision", average_precision(model.scores, labels=model.labels)[0], resampled),
        _resampled_row("partial_auc", areas[0], resampled),
    ]
    # McClish's correction is not defined for a curve below the line of chance; pROC gives none either.
    if rescaled < 0.5:
        return [*found, _row("partial_auc_corrected", float("nan"))]
    return [*found, _resampled_row("partial_auc_corrected", rescaled, resampled)]


def _proportion_rows(counts: Confusion, *, prevalence: float | None) -> list[Row]:
    rows = [
        _row(name, part.estimate, (part.ci_low, part.ci_high), WILSON) for name, part in counts.proportions().items()
    ]
    if prevalence is not None:
        names = ("ppv_at_prevalence", "npv_at_prevalence")
        for name, part in zip(names, predictive_values(counts, prevalence=prevalence), strict=True):
            rows.append(_row(name, part.estimate, (part.ci_low, part.ci_high), LOGIT_BAYES))
    rate, p_value = no_information_rate(counts)
    rows += [_row("no_information_rate", rate), _row("no_information_p", p_value, None, BINOMIAL)]
    kappa = cohen_kappa([[counts.tp, counts.fp], [counts.fn, counts.tn]])
    return [*rows, _row("kappa", kappa.estimate, (kappa.ci_low, kappa.ci_high), KAPPA)]


def _bootstrap(model: ModelScores, *, params: CompareParams) -> dict[str, Interval]:
    """Bootstrap intervals of the measures without a formula for one; empty if the params set no replicates."""
    part, threshold = params.partial_auc, model.threshold

    def measure(counts: Numbers) -> dict[str, Numbers]:
        shared: dict[str, Any] = {"labels": model.labels}
        areas = partial_auc(model.scores, axis=part.axis, low=part.low, high=part.high, weights=counts, **shared)
        found = {"average_precision": average_precision(model.scores, weights=counts, **shared), "partial_auc": areas}
        found["partial_auc_corrected"] = corrected(areas, low=part.low, high=part.high)
        if threshold is not None:
            found |= resampled_measures(model.scores, threshold=threshold, counts=counts, **shared)
        return found

    drawn = params.bootstrap
    return bootstrap_intervals(measure, labels=model.labels, replicates=drawn.replicates, seed=drawn.seed)
