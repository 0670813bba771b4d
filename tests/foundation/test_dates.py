"""dates: which texts are dates, their order by day or month, the quarter."""

import pytest

from pipeline.foundation.dates import is_date, is_later, quarter_of


@pytest.mark.parametrize("text", ["2021-07-31", "2024-02-29", "2021-07", "1900-01", "2100-12-31"])
def test_days_and_months_are_dates(text):
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2021", "2021-7-1", "2021-13", "2021-00", "2023-02-29", "31.07.2021", "07/31/2021", "20210731", "44408"),
        *("1899-12-31", "2101-01", "2021-07-31 10:00", "2021-07-31\n", "٢٠٢١-٠٧"),
    ],
)
def test_anything_else_is_none(text):
    assert not is_date(text)


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("2021-07-31", "2021-07-30", True),
        ("2021-07-31", "2021-07-31", False),
        ("2021-07-31", "2021-07", False),
        ("2021-07", "2021-07-01", False),
        ("2021-08", "2021-07-31", True),
        ("2020-12", "2021-01", False),
    ],
)
def test_order_by_day_or_by_month(one, other, later):
    assert is_later(one, other) is later


def test_quarters():
    months = [f"2021-{month:02d}" for month in range(1, 13)]

    assert [quarter_of(month)[-2:] for month in months] == ["Q1"] * 3 + ["Q2"] * 3 + ["Q3"] * 3 + ["Q4"] * 3
    assert quarter_of("2021-07-31") == "2021 Q3"
