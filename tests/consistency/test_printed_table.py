import pandas as pd
import pytest

from pipeline.consistency.printed_table import printed_fraction, read_rows
from pipeline.foundation.errors import TableError


def read(**columns):
    return read_rows(pd.DataFrame(columns), place="t.csv")


def figure(text, *, name="SEN"):
    value = read(**{name: [text]}).rows[0].values[name]
    return value.units, value.decimals


@pytest.mark.parametrize(
    ("text", "units", "decimals"),
    [
        (".738", 738, 3),
        ("0.80", 80, 2),
        ("0·74", 74, 2),
        ("87.8%", 878, 3),
        ("87.8", 878, 3),
        ("93.33 %", 9333, 4),
        ("100", 100, 2),
        ("1.000", 1000, 3),
        ("0", 0, 0),
        ("0,87", 87, 2),
        ("0.857142857142857142", 857142857, 9),
    ],
)
def test_a_cell_keeps_its_decimals(text, units, decimals):
    assert figure(text) == (units, decimals)


def test_a_column_with_one_percentage_is_in_percent():
    rows = read(SEN=["95.3", "0.9%", "5"]).rows

    assert [row.values["SEN"].value for row in rows] == [0.953, 0.009, 0.05]


def test_a_fraction_among_percentages_is_read_as_a_fraction_and_reported():
    found = read(SEN=["95.3", "0.88"])

    assert found.rows[1].values["SEN"].value == 0.88
    assert found.faults == (
        (3, None, "units", "Row 3: SEN is printed as 0.88 among percentages, and is read as a fraction."),
    )


@pytest.mark.parametrize("cell", ["0.870 (0.800–0.930)", "0.870 [0.800, 0.930]", "0.870 (95% CI: 0.800 to 0.930)"])
def test_an_interval_may_stand_in_the_cell(cell):
    row = read(AUC=[cell]).rows[0]
    low, high = row.intervals["AUC"]

    assert (row.values["AUC"].value, low.value, high.value) == (0.87, 0.8, 0.93)


def test_an_interval_may_stand_in_the_next_column():
    row = read(**{"AUC": [".87"], "95% CI": [".80-.93"], "ACC (%)": ["0.9"]}).rows[0]

    assert [limit.value for limit in row.intervals["AUC"]] == [0.8, 0.93]
    assert row.values["ACC"].value == 0.009


def test_a_cell_that_is_not_a_number_is_ignored_and_reported():
    found = read(model=["a", "b", "c"], SEN=["n/a", "high", ""], n_pos=["1,024", "ten", ""])

    assert [dict(row.values) for row in found.rows] == [{}, {}, {}]
    assert found.rows[0].counts == {"n_pos": 1024}
    assert [(row, check) for row, _, check, _ in found.faults] == [(3, "unreadable"), (3, "unreadable")]


def test_a_fraction_above_one_is_out_of_range():
    found = read(SEN=["0.9", "0.8", "1.2"])

    assert [dict(row.values) for row in found.rows[2:]] == [{}]
    assert [(row, check) for row, _, check, _ in found.faults] == [(4, "range")]


def test_a_percentage_above_a_hundred_is_out_of_range():
    found = read(model=["a"], SEN=["101.5"])

    assert found.faults == (
        (2, "a", "range", "Row 2 (a): SEN is printed as 101.5, but must lie between 0 and 1 (or 100 %); ignored."),
    )


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"kappa": ["0.8"]}, "none of the columns ACC"),
        ({"SEN": []}, "a header and no rows"),
        ({"SEN": ["0.8"], "recall": ["0.8"]}, "'SEN' and 'recall' both mean SEN"),
    ],
)
def test_a_table_that_cannot_be_checked(columns, message):
    with pytest.raises(TableError, match=message):
        read(**columns)


def test_a_negative_number_keeps_its_sign():
    assert printed_fraction("-0.05", percent=False).value == -0.05
    assert printed_fraction("-.5", percent=True).value == -0.005
