import pytest

from pipeline.consistency.copies import column_findings, row_findings
from pipeline.consistency.printed_table import Row, printed_fraction
from pipeline.consistency.rounding import ROUNDINGS
from pipeline.consistency.verdicts import judge


def verdicts(rows, *, counts=None, sets=None):
    made = []
    for number, values in enumerate(rows, start=2):
        limits = values.pop("limits", None)
        printed = {name: printed_fraction(text, percent=False) for name, text in values.items()}
        own = {"AUC": tuple(printed_fraction(text, percent=False) for text in limits)} if limits else {}
        claim = sets[number - 2] if sets else None
        row = Row(number=number, test_set=claim, values=printed, intervals=own, counts=counts or {})
        made.append(judge(row, max_n=60, roundings=ROUNDINGS))
    return made


def test_a_column_that_repeats_another_where_no_matrix_has_both():
    rows = [{"SEN": x, "SPE": "0.900", "PPV": "0.300", "NPV": x} for x in ("0.714", "0.738", "0.619")]
    (found,) = column_findings(verdicts(rows), equal_rows=3)

    assert (found.check, found.severity, found.rows) == ("copied_columns", "error", (2, 3, 4))
    assert found.message.startswith("Columns SEN and NPV are equal in rows 2, 3 and 4")
    assert list(column_findings(verdicts(rows), equal_rows=4)) == []


def test_equal_columns_of_a_declared_test_set_are_explained_by_its_matrix():
    # As many false positives as false negatives: SEN = PPV.
    rows = [{"SEN": x, "PPV": x, "SPE": y} for x, y in (("0.80", "0.90"), ("0.70", "0.85"), ("0.60", "0.80"))]

    assert list(column_findings(verdicts(rows, counts={"n_pos": 10, "n_neg": 20}), equal_rows=3)) == []
    (found,) = column_findings(verdicts(rows), equal_rows=3)
    assert found.severity == "warning"


def test_ones_are_common_and_no_copy():
    assert list(column_findings(verdicts([{"SEN": "1.00", "NPV": "1.00"}] * 3), equal_rows=3)) == []


SMALL = {"SEN": "0.800", "SPE": "0.900", "PPV": "0.800"}
ROW = {"ACC": "0.833", "SEN": "0.800", "SPE": "0.850", "PPV": "0.727"}


def test_equal_counts_in_two_declared_sets_are_chance():
    # 8 of 10 and 18 of 20 in both
    pair = verdicts([dict(SMALL), dict(SMALL)], sets=("x", "y"), counts={"n_pos": 10, "n_neg": 20})

    assert all(verdict.complete for verdict in pair)
    assert list(row_findings(pair, equal_columns=3)) == []


@pytest.mark.parametrize(
    ("a", "b", "sets", "number"),
    [
        (ROW | {"AUC": "0.91"}, ROW | {"AUC": "0.91"}, ("x", "x"), 1),
        (ROW | {"AUC": "0.91"}, ROW | {"AUC": "0.92"}, ("x", "x"), 0),
        (ROW, ROW, ("x", "x"), 0),  # equal counts are common
        (ROW, ROW, ("x", "y"), 1),
        (ROW, ROW | {"PPV": "0.728"}, ("x", "y"), 0),
        (ROW | {"AUC": "0.91", "limits": (".80", ".96")}, ROW | {"AUC": "0.91", "limits": (".81", ".96")}, "xx", 0),
    ],
)
def test_rows_that_repeat_another(a, b, sets, number):
    found = list(row_findings(verdicts([dict(a), dict(b)], sets=sets), equal_columns=4))

    assert [one.rows for one in found] == [(2, 3)] * number
