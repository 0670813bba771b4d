"""Whether the groups of the baseline tables differ: the named test, its p and the standardised difference."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.reports.report import BASELINE_TESTS
from pipeline.report.tables.patient_groups import (
    GROUPS,
    MAX_LEVELS,
    Variable,
    cohort_groups,
    outcome,
    outcome_groups,
    recorded,
)
from pipeline.statistics.group_tests import NO_TEST, category_test, number_test
from pipeline.statistics.standardised_difference import category_smd, number_smd

COHORTS, OUTCOME, OUTCOME_TRAIN = "cohorts", "outcome", "outcome_train"


def baseline_tests_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """Every characteristic between the cohorts, and between patients with and without the event (all, and training).

    Tests as `number_test` and `category_test` choose and name them, on patients with a value; p-values are not adjusted
    (the table describes, it does not confirm). SMD is the largest over pairs of groups. `reason` says why there is no
    test.
    """
    cohorts = cohort_groups(patients, role=role)
    split = [cohorts[name] for name in GROUPS if name in cohorts]
    outcomes, variables = list(outcome_groups(patients).values()), recorded(patients)
    rows = [_row(one, groups=split, comparison=COHORTS) for one in (outcome(patients), *variables)]
    rows += [_row(one, groups=outcomes, comparison=OUTCOME) for one in variables]
    if "train" in cohorts:
        train = [cohorts["train"] & inside for inside in outcomes]
        rows += [_row(one, groups=train, comparison=OUTCOME_TRAIN) for one in variables]
    columns = [column.name for column in BASELINE_TESTS.columns]
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
