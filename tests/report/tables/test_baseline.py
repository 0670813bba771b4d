"""Baseline tables: numbers by hand, columns that sum, named tests, columns of every kind."""

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.reports.report import BASELINE, BASELINE_OUTCOME, BASELINE_TESTS
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import check_table
from pipeline.report.tables.baseline import baseline_outcome_table, baseline_table, baseline_tests_table
from pipeline.report.tables.patient_groups import check_sums, recorded

N = 24
NUMBER = np.arange(N)


def patients(**columns):
    """24 patients, every third with the event; 12 training, 6 internal, 6 external."""
    table = pd.DataFrame({"patient_id": [f"{n:03d}" for n in NUMBER], "label": (NUMBER % 3 == 0).astype(int)})
    table = table.assign(group_id=table["patient_id"], site=None, cohort=None)
    return table.assign(**columns)


ROLE = pd.Series(["train"] * 12 + ["internal"] * 6 + ["external"] * 6, index=[f"{n:03d}" for n in NUMBER])
SIZE = np.where(NUMBER % 8 == 0, np.nan, NUMBER.astype(float))


def test_numbers_by_hand():
    table = baseline_table(patients(size=SIZE), role=ROLE)
    check_table(table, BASELINE, place="baseline")
    row = table.set_index(["variable", "level", "cohort"]).loc[("size", "value", "internal")]

    # 12 to 17 without 16
    assert (row["n"], row["n_missing"]) == (5, 1)
    assert row["mean"] == pytest.approx(71 / 5)
    assert row["sd"] == pytest.approx(np.std([12, 13, 14, 15, 17], ddof=1))
    assert (row["q1"], row["median"], row["q3"]) == (13, 14, 15)


def test_the_form_follows_the_shape():
    skew = np.exp(NUMBER / 3)
    table = baseline_table(patients(even=NUMBER * 1.0, skew=skew), role=ROLE)
    forms = table[table["kind"] == "number"].groupby("variable")["form"].unique().map(list).to_dict()

    assert forms == {"even": ["mean"], "skew": ["median"]}


def test_every_column_sums():
    mixed = patients(size=SIZE, sex=np.where(NUMBER % 2, "F", "M"), grade=np.where(NUMBER % 5 == 0, None, "G1"))
    mixed["flag"] = pd.Series([True, False, None] * 8, dtype="object")
    by_cohort = baseline_table(mixed, role=ROLE)
    by_outcome = baseline_outcome_table(mixed, role=ROLE)
    check_table(by_outcome, BASELINE_OUTCOME, place="outcome")

    for table, groups in ((by_cohort, ["cohort"]), (by_outcome, ["cohort", "outcome"])):
        whole = table[table["variable"] == "patients"].set_index(groups)["n"]
        for place, rows in table[table["variable"] != "patients"].groupby([*groups, "variable"]):
            assert rows["n"].sum() == whole.loc[place[:-1] if len(groups) > 1 else place[0]], place
    assert set(by_outcome["cohort"]) == {"all", "train"}
    assert "outcome" not in set(by_outcome["variable"])


def test_a_wrong_sum_is_refused():
    with pytest.raises(PipelineError, match="age in train: the parts sum to 9, not 10"):
        check_sums({"sex in train": (10, 10), "age in train": (9, 10)}, table="baseline characteristics")


def test_tests_are_named():
    table = patients(
        even=NUMBER * 1.0,
        sex=np.where(NUMBER % 2, "F", "M"),
        same="x",
        empty=np.nan,
        free=[f"text {n}" for n in NUMBER],
    )
    tests = baseline_tests_table(table, role=ROLE)
    check_table(tests, BASELINE_TESTS, place="tests")
    rows = tests.set_index(["variable", "comparison"])

    assert rows.loc[("even", "cohorts"), "test"] == "Kruskal-Wallis"
    assert rows.loc[("even", "outcome"), "test"] == "Student's t"
    assert rows.loc[("sex", "outcome_train"), "test"] == "Fisher's exact"  # four of twelve have the event
    assert rows.loc[("sex", "cohorts"), ["n_groups", "n"]].to_list() == [3, 24]
    assert rows.loc[("same", "outcome"), ["test", "reason"]].to_list() == ["", "all patients have the same value"]
    assert rows.loc[("empty", "outcome"), "n_missing"] == 24
    assert rows.loc[("empty", "cohorts"), "reason"] == "fewer than two groups have a value"
    assert rows.loc[("free", "outcome"), "reason"].startswith("text with more than")
    assert rows.loc[("outcome", "cohorts"), "p_value"] == 1.0
    assert ("outcome", "outcome") not in rows.index


def test_two_cohorts_are_compared_as_two_groups():
    role = ROLE.replace("external", "train")
    rows = baseline_tests_table(patients(even=NUMBER * 1.0), role=role).set_index(["variable", "comparison"])

    assert rows.loc[("even", "cohorts"), "n_groups"] == 2
    assert rows.loc[("even", "cohorts"), "test"] in ("Student's t", "Welch's t")


def test_training_patients_alone_have_no_comparison():
    tests = baseline_tests_table(patients(even=NUMBER * 1.0), role=ROLE.map(lambda _: "train"))

    assert tests.set_index(["variable", "comparison"]).loc[("even", "cohorts"), "test"] == ""


def test_a_clinical_column_named_like_a_row_is_renamed():
    table = patients(outcome=NUMBER * 1.0, patients=NUMBER % 2, number=[np.inf, *NUMBER[1:]])

    assert [one.name for one in recorded(table)] == ["outcome (column)", "patients (column)", "number"]
    made = baseline_table(table, role=ROLE)
    check_table(made, BASELINE, place="baseline")
    assert made.set_index(["variable", "level", "cohort"]).loc[("number", "missing", "all"), "n"] == 1


def test_a_category_spelled_missing_is_a_level_beside_the_missing_values():
    grade = np.array(["missing", "missing (value)", "high", None], dtype=object)[NUMBER % 4]
    for table, contract in (
        (baseline_table(patients(grade=grade), role=ROLE), BASELINE),
        (baseline_outcome_table(patients(grade=grade), role=ROLE), BASELINE_OUTCOME),
    ):
        check_table(table, contract, place="baseline")
    table = baseline_table(patients(grade=grade), role=ROLE)
    counts = table[(table["variable"] == "grade") & (table["cohort"] == "all")].set_index("level")["n"].to_dict()

    assert counts == {"high": 6, "missing (value)": 6, "missing (value) (value)": 6, "missing": 6}
