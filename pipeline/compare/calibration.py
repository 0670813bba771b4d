"""`calibration.csv` and `calibration_curves.csv`: do predicted probabilities match observed frequencies?

Test evaluations only, with the probabilities recalibrated on the training patients. Every model has its measures; the
chosen models also have curves, and intervals of the loess distances. An evaluation whose patients are
all of one class has no row.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.compare import CALIBRATION, CALIBRATION_CURVES
from pipeline.plan.comparison import BootstrapParams, CompareParams
from pipeline.predictions.model_scores import ModelScores, id_hash, picked, tested
from pipeline.statistics.bootstrap import mean_intervals
from pipeline.statistics.calibration import calibration_line, in_the_large, losses, observed_expected
from pipeline.statistics.calibration_curve import calibration_curve, calibration_distances, distance_intervals
from pipeline.statistics.hosmer_lemeshow import hosmer_lemeshow, risk_groups
from pipeline.statistics.roc import NO_INTERVAL, Interval

PROFILE, WALD = "profile likelihood", "Wald"
OFFSET, RATIO = "Wald, logit(p) as offset", "log scale, expected number as known (Debray)"
BOOTSTRAP, LOESS = "bootstrap percentile, stratified", "bootstrap percentile, stratified; never holds 0"
CHI2_FITTED, CHI2_OTHER = "chi-square, groups - 2 degrees of freedom", "chi-square, groups degrees of freedom"
MIN_GROUP = 5  # minimum patients per group
MODEL = ["feature_set", "model", "evaluation"]
Row = dict[str, Any]


def calibration_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`calibration.csv`: one row per model, test evaluation and measure; undefined values are empty.

    intercept, slope: recalibration line with profile intervals, slope_wald the same slope with its Wald interval;
    in_the_large; observed_expected; brier, scaled_brier, log_loss with bootstrap intervals; ici, e50, e90 by loess,
    with bootstrap intervals for the chosen models; hosmer_lemeshow with two p-values: hosmer_lemeshow_p on groups - 2
    degrees of freedom, as it is usually printed, and hosmer_lemeshow_p_held_out on as many as there are groups, since
    no model was fitted on these patients.
    """
    keys = {(model.feature_set, model.model, model.evaluation) for model in picked(models, chosen=chosen)}
    rows: list[Row] = []
    for model in tested(models):
        key = (model.feature_set, model.model, model.evaluation)
        shared = dict(zip(MODEL, key, strict=True)) | {"n_pos": model.n_pos, "n_neg": model.n_neg}
        shared["id_hash"] = id_hash(model.ids)
        found = [*_line_rows(model), *_loss_rows(model, drawn=params.bootstrap)]
        found += _distance_rows(model, drawn=params.bootstrap if key in keys else None)
        rows += [shared | row for row in [*found, *_group_rows(model, maximum=params.calibration_groups)]]
    return pd.DataFrame(rows, columns=CALIBRATION.names)


def _row(measure: str, estimate: float, interval: Interval = NO_INTERVAL, method: str | None = None) -> Row:
    low, high = interval
    return {"measure": measure, "estimate": estimate, "ci_low": low, "ci_high": high, "ci_method": method}


def _line_rows(model: ModelScores) -> Iterator[Row]:
    line = calibration_line(model.scores, labels=model.labels)
    yield _row("intercept", line.intercept, line.intercept_profile, PROFILE)
    yield _row("slope", line.slope, line.slope_profile, PROFILE)
    yield _row("slope_wald", line.slope, line.slope_wald, WALD)
    for measure, made, method in (
        ("in_the_large", in_the_large, OFFSET),
        ("observed_expected", observed_expected, RATIO),
    ):
        found = made(model.scores, labels=model.labels)
        yield _row(measure, found.estimate, (found.ci_low, found.ci_high), method)


def _loss_rows(model: ModelScores, *, drawn: BootstrapParams) -> Iterator[Row]:
    parts = losses(model.scores, labels=model.labels)
    values = np.column_stack(list(parts.values()))
    intervals = mean_intervals(values, labels=model.labels, replicates=drawn.replicates, seed=drawn.seed)
    for (measure, part), interval in zip(parts.items(), intervals, strict=True):
        yield _row(measure, float(part.mean()), interval, BOOTSTRAP if drawn.replicates else None)


def _distance_rows(model: ModelScores, *, drawn: BootstrapParams | None) -> Iterator[Row]:
    """ICI, E50 and E90; `drawn` None = no interval."""
    found, intervals = calibration_distances(model.scores, labels=model.labels), {}
    if drawn is not None and drawn.replicates:
        sampled = {"replicates": drawn.replicates, "seed": drawn.seed}
        intervals = distance_intervals(model.scores, labels=model.labels, **sampled)
    for measure, value in found._asdict().items():
        yield _row(measure, value, intervals.get(measure, NO_INTERVAL), LOESS if intervals else None)


def _groups(model: ModelScores, *, maximum: int) -> int:
    return max(1, min(maximum, len(model.ids) // MIN_GROUP))


def _group_rows(model: ModelScores, *, maximum: int) -> Iterator[Row]:
    groups = _groups(model, maximum=maximum)
    fitted, held_out = (
        hosmer_lemeshow(model.scores, labels=model.labels, groups=groups, fitted=value) for value in (True, False)
    )
    yield _row("hosmer_lemeshow", fitted.chi2)
    yield _row("hosmer_lemeshow_p", fitted.p_value, method=CHI2_FITTED)
    yield _row("hosmer_lemeshow_p_held_out", held_out.p_value, method=CHI2_OTHER)


def calibration_curve_table(
    models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams
) -> pd.DataFrame:
    """`calibration_curves.csv` of the chosen models: loess with its band, and groups with Wilson intervals.

    The loess curve and its band are clipped to 0 … 1. A model for which no loess curve is defined has groups only.
    """
    parts = []
    for model in picked(models, chosen=chosen):
        shared = {"feature_set": model.feature_set, "model": model.model, "evaluation": model.evaluation}
        n = _groups(model, maximum=params.calibration_groups)
        curves = {"loess": _loess_points(model), "groups": risk_groups(model.scores, labels=model.labels, groups=n)}
        for curve, table in curves.items():
            points = table.assign(**shared, curve=curve, point=np.arange(1, len(table) + 1))
            parts.append(points.reindex(columns=CALIBRATION_CURVES.names))
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else CALIBRATION_CURVES.empty()


def _loess_points(model: ModelScores) -> pd.DataFrame:
    found = calibration_curve(model.scores, labels=model.labels)
    if found is None:
        return pd.DataFrame()
    risks = {name: np.clip(getattr(found, name), 0, 1) for name in ("observed", "ci_low", "ci_high")}
    return pd.DataFrame({"predicted": found.predicted} | risks)
