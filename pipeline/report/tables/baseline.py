"""Baseline characteristics by cohort and by outcome, and their tests; the rows of every column sum to its total."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.report import BASELINE_TESTS, BASELINE_VALUES
from pipeline.report.tables.patient_groups import (
    ALL,
    GROUPS,
    MAX_LEVELS,
    Variable,
    check_sums,
    cohort_groups,
    outcome,
    outcome_groups,
    recorded,
)
from pipeline.statistics.group_tests import NO_TEST, category_test, looks_normal, number_test
from pipeline.statistics.standardised_difference import category_smd, number_smd

TRAIN = "train"
COHORTS, OUTCOME, OUTCOME_TRAIN = "cohorts", "outcome", "outcome_train"


def baseline_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """Every characteristic in all patients and in each cohort. `role` by patient_id: train, internal or external.

    Numbers: mean, SD (n - 1), median and quartiles (type 7); `form` = mean if the values of all patients together look
    normal (`looks_normal`), else median. Categories: patients, and their fraction of those with a value. `n_missing` is
    in every row, and is a level of its own. Raises PipelineError if levels and missing do not sum to the group.
    """
    variables = [outcome(patients), *_present(patients)]
    groups: dict[tuple[str, ...], pd.Series] = {
        (name,): inside for name, inside in cohort_groups(patients, role=role).items()
    }
    return _table(variables, groups=groups, names=("cohort",))


def baseline_outcome_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """The same by outcome, in all patients and in the training patients; an outcome without a patient is omitted."""
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
    """The variables with a value in any patient; the others are in the table of missing values."""
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
    columns = [column.name for column in BASELINE_VALUES]
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
    """Mean, SD, median and quartiles; NaN if the group is too small."""
    if not len(values):
        return {}
    q1, median, q3 = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
    return {"mean": float(values.mean()), "sd": sd, "median": median, "q1": q1, "q3": q3}


def baseline_tests_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """Tests of every characteristic between the cohorts, and between events and non-events (all, and training).

    The tests are those that `number_test` and `category_test` choose, on patients with a value; p-values are not
    adjusted (the table is descriptive, not confirmatory). SMD is the maximum over pairs of groups. `reason` states why
    there is no test.
    """
    cohorts = cohort_groups(patients, role=role)
    split = [cohorts[name] for name in GROUPS if name in cohorts]
    outcomes, variables = list(outcome_groups(patients).values()), recorded(patients)
    rows = [_row(one, groups=split, comparison=COHORTS) for one in (outcome(patients), *variables)]
    rows += [_row(one, groups=outcomes, comparison=OUTCOME) for one in variables]
    if "train" in cohorts:
        train = [cohorts["train"] & inside for inside in outcomes]
        rows += [_row(one, groups=train, comparison=OUTCOME_TRAIN) for one in variables]
    columns = BASELINE_TESTS.names
    return pd.DataFrame(rows).reindex(columns=columns)


def _row(one: Variable, *, groups: Sequence[pd.Series], comparison: str) -> dict[str, Any]:
    whole = [one.values[inside] for inside in groups if inside.any()]
    values = [group.dropna() for group in whole]
    test, smd = NO_TEST, float("nan")
    if one.kind == "number":
        found = [group.to_numpy(dtype=np.float64) for group in values]
        test, smd = number_test(found), number_smd(found)
    elif one.kind == "category" and one.levels:
        counts = np.array([[int((group == level).sum()) for level in one.levels] for group in values])
        test, smd = category_test(counts), category_smd(counts)
    return {
        "variable": one.name,
        "comparison": comparison,
        "test": test.test,
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
        "smd": smd,
        "n_groups": sum(len(group) > 0 for group in values),
        "n": sum(len(group) for group in values),
        "n_missing": sum(int(group.isna().sum()) for group in whole),
        "reason": "" if test.test else _reason(one, values=values),
    }


def _reason(one: Variable, *, values: Sequence[pd.Series]) -> str:
    if one.kind == "many":
        return f"text with more than {MAX_LEVELS} different values"
    if sum(len(group) > 0 for group in values) < 2:
        return "fewer than two groups have a value"
    return "all patients have the same value"
