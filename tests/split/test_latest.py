"""latest: whole groups with the latest dates."""

import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.errors import CohortError
from pipeline.split.latest import latest_groups


def drawn(dates, *, labels=None, groups=None, fraction=0.25, seed=0):
    n = len(dates)
    names = [f"P{place:02d}" for place in range(n)]
    table = pd.DataFrame({"patient_id": names, "group_id": groups or names, "date": dates})
    table["label"] = [0, 1] * (n // 2) + [0] * (n % 2) if labels is None else labels
    rows = latest_groups(table, fraction=fraction, generator=np.random.default_rng(seed))
    return [name for name, taken in zip(names, rows, strict=True) if taken]


DAYS = [f"2021-01-{31 - day:02d}" for day in range(8)]  # the first patient is the latest


def test_the_latest_quarter_is_drawn():
    assert drawn(DAYS) == ["P00", "P01"]
    assert drawn(DAYS[::-1], fraction=0.5) == ["P04", "P05", "P06", "P07"]
    assert drawn(DAYS, fraction=0) == []


def test_a_group_has_its_latest_date_and_stays_whole():
    groups = [*"abcdefg", "a"]

    assert drawn(DAYS, groups=groups) == ["P00", "P07"]


@pytest.mark.parametrize(("groups", "count"), [("aabbbcde", 2), ("aaabcdef", 3), ("aabbbbbb", 2), ("abbcdefg", 3)])
def test_the_last_group_is_taken_if_that_is_nearer_to_the_fraction(groups, count):
    assert len(drawn(DAYS, groups=[*groups])) == count


def test_a_group_that_is_much_too_large_is_left_out():
    with pytest.raises(CohortError, match="draws 0 events and 1 non-events, dated from 2021-01-31 on"):
        drawn(DAYS, groups=[*"abbbbcde"])


def test_ties_are_broken_by_the_seed_and_not_by_ids():
    dates = ["2021-01"] * 40
    first = drawn(dates)

    assert first == drawn(dates)
    assert first != drawn(dates, seed=1)
    assert first != [f"P{place:02d}" for place in range(10)]
    assert len(first) == 10


def test_a_month_is_its_start():
    assert drawn(["2021-02", "2021-02-10", "2021-02-01", "2021-03"], labels=[0, 0, 1, 1], fraction=0.5) == [
        "P01",
        "P03",
    ]


def test_missing_dates_are_one_sentence():
    with pytest.raises(CohortError, match=r"1 of 8 patients have no date, first P03.*set holdout: random"):
        drawn([*DAYS[:3], None, *DAYS[4:]])


def test_one_class_is_refused_with_the_numbers():
    with pytest.raises(CohortError, match=r"draws 0 events and 2 non-events, dated from 2021-01-30 on"):
        drawn(DAYS, labels=[0] * 6 + [1] * 2)
