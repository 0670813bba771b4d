import pytest

from pipeline.consistency.attainable_auc import auc_fits, cohorts_with_auc
from pipeline.consistency.matrices import Sizes, fitting_cohorts
from pipeline.consistency.rounding import Printed


def bounds(units, *, decimals=3):
    return Printed(text="", units=units, decimals=decimals).bounds("half_up")


@pytest.mark.parametrize(
    ("units", "fit"),
    [(500, "without ties"), (833, "without ties"), (917, "with ties"), (900, "no"), (1000, "without ties")],
)
def test_two_by_three_patients_have_six_pairs(units, fit):
    assert auc_fits(bounds(units), n_pos=2, n_neg=3) == fit  # sixths, and twelfths with ties


def test_a_point_of_the_curve_bounds_the_area():
    # 4 of 5 events found without a false positive: at least 4 · 5 of the 25 pairs are right.
    assert auc_fits(bounds(760), n_pos=5, n_neg=5) == "without ties"
    assert auc_fits(bounds(760), n_pos=5, n_neg=5, tp=4, tn=5) == "no"
    assert auc_fits(bounds(800), n_pos=5, n_neg=5, tp=4, tn=5) == "without ties"


def test_ninety_six_point_one_percent_needs_sixty_patients():
    every = fitting_cohorts({}, sizes=Sizes(max_n=75))
    kept = every.only(cohorts_with_auc(every, bounds=bounds(9610, decimals=4), ties=False))
    small = [pair for pair in kept.pairs() if sum(pair) % 15 == 0]

    assert small[:4] == [(11, 49), (49, 11), (18, 57), (29, 46)]
