import pandas as pd

from pipeline.consistency.printed_table import read_rows
from pipeline.consistency.rounding import ROUNDINGS
from pipeline.consistency.shared_test_sets import claims, shared_set_findings
from pipeline.consistency.verdicts import judge


def rows(**columns):
    return read_rows(pd.DataFrame(columns), place="t.csv").rows


def found(table, *, max_n=60):
    verdicts = [judge(row, max_n=max_n, roundings=ROUNDINGS) for row in table]
    return {(one.check, one.severity): one.message for one in shared_set_findings(verdicts)}


def test_rows_claim_their_test_set_or_their_cohort():
    named = rows(model=["a", "b", "c"], cohort=["int", "int", ""], test_set=["ext", "", ""], SEN=["0.8"] * 3)

    assert {name: [row.model for row in group] for name, group in claims(named).items()} == {"ext": ["a"], "int": ["b"]}
    assert list(claims(rows(SEN=["0.8", "0.9"]))) == [""]


def test_one_set_of_patients_for_all_rows_is_named():
    # 8 of 10 and 15 of 20; 7 of 10 and 18 of 20
    table = rows(ACC=["0.767", "0.833"], SEN=["0.800", "0.700"], SPE=["0.750", "0.900"])

    assert found(table, max_n=40) == {
        ("one_test_set", "info"): "Rows 2 and 3 fit one test set of 30 (10 with the event, 20 without)."
    }


def test_rows_of_one_named_set_that_need_different_patients():
    # 41 of 43 and 31 of 39; 33 of 38 and 32 of 44
    table = rows(
        cohort=["test", "test"], ACC=["87.8", "79.3"], SEN=["95.3", "86.8"], SPE=["79.5", "72.7"], PPV=["83.7", "73.3"]
    )
    messages = found(table, max_n=100)

    assert set(messages) == {("prevalence", "error"), ("one_test_set", "error")}
    assert (
        "38 with the event and 44 without fit row 3; row 2 needs 43 and 39 of the same 82 patients"
        in (messages["one_test_set", "error"])
    )


def test_rows_of_different_sets_may_differ():
    table = rows(cohort=["a", "b"], ACC=["87.8", "79.3"], SEN=["95.3", "86.8"], SPE=["79.5", "72.7"])

    assert found(table) == {}


def test_declared_sizes_that_all_fit_give_no_finding():
    table = rows(n_pos=["10", "10"], n_neg=["20", "20"], SEN=["0.800", "0.700"], SPE=["0.750", "0.900"])

    assert found(table) == {}
