"""Baseline characteristics: what is recorded of the patients, by cohort and by outcome, every column summing."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.report import _VALUES
from pipeline.report.tables.patient_groups import (
    ALL,
    Variable,
    check_sums,
    cohort_groups,
    outcome,
    outcome_groups,
    recorded,
)
from pipeline.statistics.group_tests import looks_normal

TRAIN = "train"


def baseline_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """Every characteristic in all patients and in each cohort. `role` by patient_id: train, internal or external.

    Numbers: mean, SD (n - 1), median and quartiles (type 7); `form` = mean where all patients together look normal
    (`looks_normal`), else median. Categories: patients, and their fraction of those with a value. `n_missing` stands in
    every row, and as a level of its own. Raises PipelineError where levels and missing do not sum to the group.
    """
    variables = [outcome(patients), *_present(patients)]
    groups: dict[tuple[str, ...], pd.Series] = {
        (name,): inside for name, inside in cohort_groups(patients, role=role).items()
    }
    return _table(variables, groups=groups, names=("cohort",))


def baseline_outcome_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """The same by outcome, in all patients and in the training patients; an outcome without a patient is left out."""
    cohorts, outcomes = cohort_groups(patients, role=role), outcome_groups(patients)
    groups: dict[tuple[str, ...], pd.Series] = {
        (cohort, name): cohorts[cohort] & inside
        for cohort in (ALL, TRAIN)
        if cohort in cohorts
        for name, inside in outcomes.items()
        if (cohorts[cohort] & inside).any()
    }
    return _table(_present(patients), groups=groups, names=("cohort", "outcome"))


def _present(patients: pd.DataFrame) -> list[Variable]:
    """What has a value in any patient; the others stand in the table of missing values."""
    return [one for one in recorded(patients) if one.values.notna().any()]


def _table(
    variables: list[Variable], *, groups: Mapping[tuple[str, ...], pd.Series], names: tuple[str, ...]
) -> pd.DataFrame:
    forms = {
        one.name: "mean" if looks_normal(one.values.dropna()) else "median" for one in variables if one.kind == "number"
    }
    rows: list[dict[str, Any]] = []
    for place, inside in groups.items():
        shared, n = dict(zip(names, place, strict=True)), int(inside.sum())
        rows.append({"variable": "patients", "level": "n", "kind": "count", "n": n} | shared)
        sums: dict[str, tuple[float, float]] = {}
        for one in variables:
            found = _rows(one, values=one.values[inside], form=forms.get(one.name))
            rows += [row | shared for row in found]
            if one.kind != "many":
                sums[f"{one.name} in {', '.join(place)}"] = (sum(row["n"] for row in found), n)
        check_sums(sums, table="baseline characteristics")
    columns = [column.name for column in _VALUES]
    table = pd.DataFrame(rows).reindex(columns=["variable", "level", *names, *columns])
    return table.astype({"n": "Int64", "n_missing": "Int64"})


def _rows(one: Variable, *, values: pd.Series, form: str | None) -> list[dict[str, Any]]:
    """The rows of one characteristic in one group; the outcome has no missing values."""
    present, n_missing = values.dropna(), int(values.isna().sum())
    shared = {"variable": one.name, "n_missing": n_missing}
    missing = [shared | {"level": "missing", "kind": "missing", "n": n_missing}] if one.name != "outcome" else []
    if one.kind == "many":
        return [shared | {"level": "different values", "kind": "count", "n": int(present.nunique())}, *missing]
    if one.kind == "number":
        value = {"level": "value", "kind": "number", "form": form, "n": len(present)} | _summary(present.astype(float))
        return [shared | value, *missing]
    counts = {level: int((present == level).sum()) for level in one.levels}
    shares = {level: n / len(present) if len(present) else np.nan for level, n in counts.items()}
    return [
        *(
            shared | {"level": level, "kind": "category", "n": n, "fraction": shares[level]}
            for level, n in counts.items()
        ),
        *missing,
    ]


def _summary(values: pd.Series) -> dict[str, float]:
    """Mean, SD, median and quartiles; NaN what a group is too small for."""
    if not len(values):
        return {}
    q1, median, q3 = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return {"mean": float(values.mean()), "sd": sd, "median": median, "q1": q1, "q3": q3}
