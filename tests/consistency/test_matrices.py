from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.consistency.matrices import (
    METRICS,
    Sizes,
    any_matrix,
    breaking_sets,
    fitting_cohorts,
    matrices_of,
    measures,
)
from pipeline.consistency.rounding import ROUNDINGS, Printed

# Numerator and denominator of each metric of a matrix (tp, fn, tn, fp).
PARTS = {
    "ACC": lambda m: (m[0] + m[2], sum(m)),
    "SEN": lambda m: (m[0], m[0] + m[1]),
    "SPE": lambda m: (m[2], m[2] + m[3]),
    "PPV": lambda m: (m[0], m[0] + m[3]),
    "NPV": lambda m: (m[2], m[2] + m[1]),
    "F1": lambda m: (2 * m[0], 2 * m[0] + m[1] + m[3]),
}


def bounds_of(units, *, rounding="half_up", decimals=2):
    printed = {name: Printed(text="", units=own, decimals=decimals) for name, own in units.items()}
    return {name: own.bounds(rounding) for name, own in printed.items()}


def by_trying(bounds, *, max_n):
    """Every matrix of up to `max_n` patients, one by one; 0/0 is printed as 0."""
    found = []
    for n_pos in range(1, max_n):
        for n_neg in range(1, max_n - n_pos + 1):
            for tp, tn in product(range(n_pos + 1), range(n_neg + 1)):
                matrix = (tp, n_pos - tp, tn, n_neg - tn)
                if all(_holds(limits, PARTS[name](matrix)) for name, limits in bounds.items()):
                    found.append((n_pos, n_neg, *matrix))
    return found


def _holds(limits, parts):
    part, whole = parts
    if whole == 0:
        return limits.units == 0
    return limits.lower * whole + limits.open_lower <= part * limits.scale <= limits.upper * whole - limits.open_upper


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_search_finds_what_trying_every_matrix_finds(data):
    names = data.draw(st.lists(st.sampled_from(METRICS), min_size=1, unique=True))
    decimals = data.draw(st.integers(1, 2))
    rounding = data.draw(st.sampled_from(ROUNDINGS))
    units = {name: data.draw(st.integers(0, 10**decimals), label=name) for name in names}
    bounds = bounds_of(units, rounding=rounding, decimals=decimals)
    cohorts = fitting_cohorts(bounds, sizes=Sizes(max_n=11))
    found = [matrix for pair in cohorts.pairs() for matrix in listed(bounds, pair)]

    assert sorted(found) == sorted(by_trying(bounds, max_n=11))
    assert int(cohorts.matrices.sum()) == len(found)
    assert any_matrix(bounds, sizes=Sizes(max_n=11)) == bool(found)


def listed(bounds, pair):
    rows = matrices_of(bounds, n_pos=pair[0], n_neg=pair[1], limit=10**6)
    return [tuple(row[name] for name in ("n_pos", "n_neg", "tp", "fn", "tn", "fp")) for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_a_matrix_is_found_behind_its_own_figures(n_pos, n_neg, data):
    tp, tn = data.draw(st.integers(0, n_pos)), data.draw(st.integers(0, n_neg))
    matrix = (tp, n_pos - tp, tn, n_neg - tn)
    parts = {name: part(matrix) for name, part in PARTS.items()}
    units = {name: int(1000 * a / b + 0.5) for name, (a, b) in parts.items() if b}
    bounds = bounds_of(units, rounding="half_either", decimals=3)

    assert (n_pos, n_neg, *matrix) in listed(bounds, (n_pos, n_neg))
    assert breaking_sets(bounds, sizes=Sizes(n_pos=n_pos, n_neg=n_neg)) == [()]


def test_the_metric_that_breaks_a_row_is_named():
    # 30 of 42 and 159 of 220: SEN .714, SPE .723, ACC .721, PPV .330, NPV .930, F1 .451.
    units = {"ACC": 721, "SEN": 714, "SPE": 723, "PPV": 330, "NPV": 714, "F1": 451}
    sizes = Sizes(n_pos=42, n_neg=220)

    assert breaking_sets(bounds_of(units, decimals=3), sizes=sizes) == [("NPV",)]
    assert breaking_sets(bounds_of(units | {"NPV": 930}, decimals=3), sizes=sizes) == [()]
    assert breaking_sets(bounds_of({"SEN": 5}, decimals=1), sizes=Sizes(n_pos=3, n_neg=3)) == []


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (Sizes(n_pos=2, n_neg=3), [(2, 3)]),
        (Sizes(n_pos=2, n=5), [(2, 3)]),
        (Sizes(n_neg=3, n=5), [(2, 3)]),
        (Sizes(n=4), [(1, 3), (2, 2), (3, 1)]),
        (Sizes(n_pos=2, max_n=4), [(2, 1), (2, 2)]),
        (Sizes(n_neg=2, max_n=4), [(1, 2), (2, 2)]),
        (Sizes(max_n=3), [(1, 1), (1, 2), (2, 1)]),
        (Sizes(n_pos=5, n=5), []),
        (Sizes(n=500, max_n=10), [(n_pos, 500 - n_pos) for n_pos in range(1, 500)]),
    ],
)
def test_sizes_that_are_tried(sizes, expected):
    found = fitting_cohorts({}, sizes=sizes)

    assert found.pairs() == expected
    assert found.matrices.tolist() == [(n_pos + 1) * (n_neg + 1) for n_pos, n_neg in expected]


def test_large_known_sizes_are_searched_too():
    # 4,100 of 5,000 and 81,000 of 95,000
    bounds = bounds_of({"SEN": 820000, "SPE": 852632, "ACC": 851000}, decimals=6)
    cohorts = fitting_cohorts(bounds, sizes=Sizes(n_pos=5000, n_neg=95000))

    assert cohorts.pairs() == [(5000, 95000)]
    assert {"tp": 4100, "tn": 81000}.items() <= matrices_of(bounds, n_pos=5000, n_neg=95000, limit=1)[0].items()


def test_measures_of_a_matrix_by_hand():
    found = measures(tp=3, fn=1, tn=4, fp=2)

    assert found == {"ACC": 0.7, "SEN": 0.75, "SPE": 4 / 6, "PPV": 0.6, "NPV": 0.8, "F1": 6 / 9}
    assert np.isnan(measures(tp=0, fn=2, tn=3, fp=0)["PPV"])
