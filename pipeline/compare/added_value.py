"""`added_value.csv`: what the primary set adds to its comparator, on the patients of each test evaluation.

A set is represented by its CV-chosen classifier and recalibrated probabilities. Differences are primary - comparator.
Primary measures: likelihood-ratio test, AUC, net benefit, Brier score. Secondary: NRI and IDI with their components.
Only the evaluation named in the params is confirmatory, and in it only the difference in AUC.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.reports.compare import ADDED_VALUE
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores, check_same_patients, tested
from pipeline.statistics.auc_tests import paired_tests
from pipeline.statistics.bootstrap import mean_intervals
from pipeline.statistics.calibration import clipped, losses
from pipeline.statistics.decision_curve import benefits
from pipeline.statistics.logistic import likelihood_ratio_test
from pipeline.statistics.reclassification import improvements
from pipeline.statistics.roc import placements

RATIO, DELONG = "likelihood ratio of nested logistic models, chi-square", "DeLong, paired"
BOOTSTRAP = "bootstrap percentile, stratified"
Row = dict[str, Any]


def added_value_table(models: Sequence[ModelScores], *, chosen: pd.DataFrame, params: CompareParams) -> pd.DataFrame:
    """`added_value.csv`: one row per test evaluation and measure; no row if there is no primary comparison.

    likelihood_ratio: on these patients, the logistic model of the comparator's log-odds against that of both. auc: the
    difference with DeLong's interval, z as statistic. net_benefit_at_<t>: the difference at each threshold of the
    params. brier: the difference, below 0 if the primary set is better. nri, idi and their components: see
    `reclassification`; nri_at_threshold at each model's own frozen threshold.
    Raises TableError if the two models of an evaluation were not scored on the same patients.
    """
    roles = chosen.dropna(subset="role").set_index("role")
    names = [
        tuple(roles.loc[role, ["feature_set", "model"]]) for role in ("primary", "comparator") if role in roles.index
    ]
    rows: list[Row] = []
    for evaluation in EVALUATIONS:
        found = {(m.feature_set, m.model): m for m in tested(models) if m.evaluation == evaluation}
        if len(names) < 2 or not set(names) <= set(found):
            continue
        new, old = (found[name] for name in names)
        check_same_patients([new, old])
        own = [_ratio_row(new, old), _auc_row(new, old), *_mean_rows(new, old, params=params)]
        rows += [{"evaluation": evaluation, "n": len(new.ids)} | row for row in own]
    return pd.DataFrame(rows, columns=ADDED_VALUE.names).astype({"df": "Int64"})


def _ratio_row(new: ModelScores, old: ModelScores) -> Row:
    before, after = (logit(clipped(model.scores)) for model in (old, new))
    test = likelihood_ratio_test(before, large=np.column_stack([before, after]), labels=new.labels)
    return {
        "measure": "likelihood_ratio",
        "kind": "primary",
        "ci_method": RATIO,
        "statistic": test.chi2,
        "df": test.df,
        "p_value": test.p_value,
    }


def _auc_row(new: ModelScores, old: ModelScores) -> Row:
    placed = placements([new.scores, old.scores], labels=new.labels)
    test = paired_tests(placed, pairs=[(0, 1)]).iloc[0]
    return {
        "measure": "auc",
        "kind": "primary",
        "estimate": test["difference"],
        "ci_low": test["ci_low"],
        "ci_high": test["ci_high"],
        "ci_method": DELONG,
        "statistic": test["z"],
        "p_value": test["p_value"],
    }


def _mean_rows(new: ModelScores, old: ModelScores, *, params: CompareParams) -> Iterator[Row]:
    """The measures that are means over patients, all on the same bootstrap samples."""
    grid = np.array(params.decision.at, dtype=np.float64)
    gains = benefits(new.scores, labels=new.labels, thresholds=grid)
    gains = gains - benefits(old.scores, labels=new.labels, thresholds=grid)
    thresholds = {f"net_benefit_at_{t}": t for t in params.decision.at}
    parts = dict(zip(thresholds, gains.T, strict=True))
    parts["brier"] = losses(new.scores, labels=new.labels)["brier"] - losses(old.scores, labels=new.labels)["brier"]
    primary = set(parts)
    both = (new.threshold, old.threshold) if new.threshold is not None and old.threshold is not None else None
    parts |= improvements(new.scores, old=old.scores, labels=new.labels, thresholds=both)
    drawn = params.bootstrap
    values = np.column_stack(list(parts.values()))
    intervals = mean_intervals(values, labels=new.labels, replicates=drawn.replicates, seed=drawn.seed)
    for (measure, part), (low, high) in zip(parts.items(), intervals, strict=True):
        yield {
            "measure": measure,
            "kind": "primary" if measure in primary else "secondary",
            "threshold": thresholds.get(measure),
            "estimate": float(part.mean()),
            "ci_low": low,
            "ci_high": high,
            "ci_method": BOOTSTRAP if drawn.replicates else None,
        }
