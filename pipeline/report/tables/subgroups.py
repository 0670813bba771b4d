"""Subgroups: the AUC of the primary model in each level of the patients' characteristics, and tests of interaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.reports.report import SUBGROUP_TESTS, SUBGROUPS
from pipeline.predictions.model_scores import ModelScores, check_same_patients, model_scores
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.patient_groups import ALL, check_sums
from pipeline.report.tables.subgroup_levels import MISSING, SubgroupParams, Subgroups, subgroups
from pipeline.statistics.auc_heterogeneity import difference_interaction, interaction_test
from pipeline.statistics.auc_intervals import logit_interval, score_interval
from pipeline.statistics.auc_tests import paired_tests
from pipeline.statistics.multiplicity import holm
from pipeline.statistics.roc import Placements, auc_variances, placements

LOGIT, SCORE = "logit DeLong", "Newcombe score (AUC of 0 or 1, or no variance)"


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """The primary model in one evaluation, and its comparator, if there is one."""

    primary: ModelScores
    comparator: ModelScores | None

    def placed(self, inside: NDArray[np.bool_]) -> Placements:
        models = [self.primary] + ([self.comparator] if self.comparator else [])
        return placements([model.scores[inside] for model in models], labels=self.primary.labels[inside])


def subgroup_tables(
    study: ReportInputs, *, role: pd.Series, params: SubgroupParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`subgroups` and `subgroup_tests` in each test evaluation of the primary model; empty if none is named.

    AUC with the logit-transformed DeLong interval (Newcombe's if the AUC is 0 or 1), and the difference to the
    comparator on the same patients with its DeLong interval. A level with fewer than `min_patients` events or
    non-events has no AUC: its row stays, with the reason. Interaction: `interaction_test` over the levels that have
    an AUC; Holm over the variables of an evaluation. For the difference to the comparator, exploratory: Cochran's
    Q over the levels in which it has a variance, in the columns `difference_…`, with a separate Holm adjustment.
    `declared`: whether the params name the column.
    """
    chosen = subgroups(study.patients, role=role, params=params)
    declared = "yes" if params.columns is not None else "no"
    rows: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for pair in _pairs(study):
        shared = {"evaluation": pair.primary.evaluation, "declared": declared} | _names(pair)
        rows.append(
            shared | {"variable": ALL, "level": ALL} | _row(pair, _every_patient(pair), minimum=params.min_patients)
        )
        found = [_interaction(pair, one, minimum=params.min_patients) for one in chosen]
        rows += [shared | row for own, _ in found for row in own]
        tests += [shared | test for test in _adjusted([test for _, test in found])]
    columns = [table.names for table in (SUBGROUPS, SUBGROUP_TESTS)]
    return pd.DataFrame(rows).reindex(columns=columns[0]), pd.DataFrame(tests).reindex(columns=columns[1])


def _pairs(study: ReportInputs) -> list[_Pair]:
    chosen = study.results["chosen"]
    by_role = {
        role: (str(row["feature_set"]), str(row["model"]))
        for role in ("primary", "comparator")
        for _, row in chosen[chosen["role"] == role].iterrows()
    }
    if "primary" not in by_role:
        return []
    tables = [study.predictions[name] for name in sorted({name for name, _ in by_role.values()})]
    own = pd.concat([table for table in tables if len(table)], ignore_index=True)
    scored = {(m.feature_set, m.model, m.evaluation): m for m in model_scores(own, place="data/predictions")}
    pairs = []
    for evaluation in ("internal", "external"):
        primary = scored.get((*by_role["primary"], evaluation))
        other = scored.get((*by_role["comparator"], evaluation)) if "comparator" in by_role else None
        if primary is not None:
            check_same_patients([primary, other] if other else [primary])
            pairs.append(_Pair(primary=primary, comparator=other))
    return pairs


def _names(pair: _Pair) -> dict[str, str]:
    other = pair.comparator
    return {
        "feature_set": pair.primary.feature_set,
        "model": pair.primary.model,
        "comparator_set": other.feature_set if other else "",
        "comparator_model": other.model if other else "",
    }


def _every_patient(pair: _Pair) -> NDArray[np.bool_]:
    return np.ones(len(pair.primary.ids), dtype=np.bool_)


def _interaction(pair: _Pair, one: Subgroups, *, minimum: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of one variable and its test."""
    ids = list(pair.primary.ids)
    members = {level: inside.reindex(ids).to_numpy(dtype=np.bool_) for level, inside in one.levels.items()}
    members = {level: inside for level, inside in members.items() if level != MISSING or inside.any()}
    rows: list[dict[str, Any]] = [
        {"variable": one.name, "level": level, "cut": one.cut}
        | (_row(pair, inside, minimum=minimum) if level != MISSING else _counts(pair, inside) | {"reason": "no value"})
        for level, inside in members.items()
    ]
    wholes = {"events": pair.primary.n_pos, "non-events": pair.primary.n_neg}
    parts = {"events": sum(row["n_pos"] for row in rows), "non-events": sum(row["n_neg"] for row in rows)}
    check_sums({f"{what} by {one.name}": (parts[what], wholes[what]) for what in wholes}, table="subgroups")
    usable = [members[str(row["level"])] for row in rows if not row["reason"]]
    return rows, {"variable": one.name, "n_levels": len(usable)} | _test(pair, usable)


def _test(pair: _Pair, usable: Sequence[NDArray[np.bool_]]) -> dict[str, Any]:
    if len(usable) < 2:
        return {"remark": "fewer than two subgroups have enough patients"}
    placed = [_Pair(primary=pair.primary, comparator=None).placed(inside) for inside in usable]
    found = interaction_test(placed)
    varies = all(float(auc_variances(own)[0]) > 0 for own in placed)
    remark = "no test" if np.isnan(found.p_value) else "the p-value may be too small"
    shown = {"remark": "" if varies else f"an AUC of 0 or 1 has no variance: {remark}"}
    return vars(found) | shown | (_difference_test(pair, usable) if pair.comparator else {})


def _difference_test(pair: _Pair, usable: Sequence[NDArray[np.bool_]]) -> dict[str, Any]:
    """The test of the difference to the comparator, and the number of levels that it had to exclude."""
    found, n_levels = difference_interaction([pair.placed(inside) for inside in usable])
    excluded = len(usable) - n_levels
    reason = f"excluded, as the difference has no variance there: {excluded} of {len(usable)} levels"
    remark = reason if excluded else ""
    return {
        "difference_q": found.statistic,
        "difference_df": found.df,
        "difference_p_value": found.p_value,
        "difference_n_levels": n_levels,
        "difference_remark": remark,
    }


def _counts(pair: _Pair, inside: NDArray[np.bool_]) -> dict[str, Any]:
    n_pos = int(pair.primary.labels[inside].sum())
    return {"n": int(inside.sum()), "n_pos": n_pos, "n_neg": int(inside.sum()) - n_pos}


def _row(pair: _Pair, inside: NDArray[np.bool_], *, minimum: int) -> dict[str, Any]:
    """Counts, AUC and difference in one subgroup, or the reason for having none."""
    counts = _counts(pair, inside)
    if min(counts["n_pos"], counts["n_neg"]) < minimum:
        return counts | {"reason": f"too few: an AUC needs {minimum} patients with the event and {minimum} without"}
    placed = pair.placed(inside)
    auc, variance = float(placed.auc[0]), float(auc_variances(placed)[0])
    exact = auc in (0.0, 1.0) or variance == 0
    interval = (
        score_interval(auc, n_pos=counts["n_pos"], n_neg=counts["n_neg"])
        if exact
        else logit_interval(auc, variance=variance)
    )
    own = {"auc": auc, "ci_low": interval[0], "ci_high": interval[1], "ci_method": SCORE if exact else LOGIT}
    return counts | own | (_difference(placed) if pair.comparator else {}) | {"reason": ""}


def _difference(placed: Placements) -> dict[str, Any]:
    test = paired_tests(placed, pairs=[(0, 1)]).iloc[0]
    return {
        "auc_comparator": float(test["auc_b"]),
        "difference": float(test["difference"]),
        "difference_low": float(test["ci_low"]),
        "difference_high": float(test["ci_high"]),
    }


def _adjusted(tests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tests with Holm-adjusted p-values, separately for those of the AUC and those of the difference."""
    adjusted = [dict(test) for test in tests]
    for start in ("", "difference_"):
        p_values = holm([float(test.get(f"{start}p_value", np.nan)) for test in tests])
        for test, p in zip(adjusted, p_values, strict=True):
            test[f"{start}p_holm"] = p
    return adjusted
