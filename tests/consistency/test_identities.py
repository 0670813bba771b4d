import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.consistency.identities import (
    agreed_prevalence,
    auc_findings,
    identity_findings,
    implied_prevalence,
    npv_by_bayes,
    ppv_by_bayes,
)
from pipeline.consistency.matrices import measures
from pipeline.consistency.printed_table import Row, printed_fraction


def row(counts=None, **values):
    printed = {name: printed_fraction(text, percent=False) for name, text in values.items()}
    return Row(number=2, values=printed, counts=counts or {})


def checks(found):
    return [finding.check for finding in found]


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 80), st.integers(0, 80), st.integers(1, 4))
def test_figures_of_a_matrix_break_no_identity(tp, fn, tn, fp, decimals):
    assume(tp + fn and tn + fp)
    found = measures(tp=tp, fn=fn, tn=tn, fp=fp)
    given_row = row(
        {"n_pos": tp + fn, "n_neg": tn + fp}, **{k: f"{v:.{decimals}f}" for k, v in found.items() if not math.isnan(v)}
    )

    assert list(identity_findings(given_row)) == []
    for low, high in implied_prevalence(given_row).values():
        assert low - 1e-9 <= (tp + fn) / (tp + fn + tn + fp) <= high + 1e-9


def test_accuracy_lies_between_sensitivity_and_specificity():
    assert checks(identity_findings(row(ACC="0.92", SEN="0.80", SPE="0.90"))) == ["accuracy"]
    assert checks(identity_findings(row(ACC="0.90", SEN="0.80", SPE="0.90"))) == []


def test_f1_is_the_harmonic_mean():
    found = list(identity_findings(row(F1="0.70", PPV="0.50", SEN="0.80")))

    assert checks(found) == ["f1"]
    assert "0.610 to 0.626" in found[0].message  # 2 · .4 / 1.3 = .615


def test_predictive_values_follow_by_bayes_from_the_declared_patients():
    # 42 and 220 patients with SEN .714, SPE .723: NPV is 159 / 171 = .930, as in the table of six networks.
    found = list(identity_findings(row({"n_pos": 42, "n_neg": 220}, SEN=".714", SPE=".723", PPV=".330", NPV=".714")))

    assert checks(found) == ["npv"]
    assert "by Bayes it is 0.930" in found[0].message
    assert "16.0 %, from the numbers of patients" in found[0].message


def test_bayes_by_hand():
    assert ppv_by_bayes(0.8, 0.9, 0.5) == pytest.approx(0.4 / 0.45)
    assert npv_by_bayes(0.8, 0.9, 0.5) == pytest.approx(0.45 / 0.55)
    assert ppv_by_bayes(0.0, 1.0, 0.5) == 0


def test_accuracy_of_another_test_set_is_recognised_by_its_prevalence():
    # SEN .9, SPE .7 and ACC .8 need as many with the event as without; 20 and 80 are declared.
    found = list(identity_findings(row({"n_pos": 20, "n_neg": 80}, SEN="0.900", SPE="0.700", ACC="0.800")))

    assert checks(found) == ["prevalence"]


def test_predictive_values_that_belong_to_two_prevalences():
    assert checks(identity_findings(row(SEN="0.80", SPE="0.80", PPV="0.80", NPV="0.95"))) == ["prevalence"]
    assert checks(identity_findings(row(SEN="0.80", SPE="0.80", PPV="0.80", NPV="0.80"))) == []


def test_prevalence_implied_by_accuracy_by_hand():
    low, high = agreed_prevalence(row(ACC="0.800", SEN="0.900", SPE="0.700"))

    assert low < 0.5 < high
    assert high - low < 0.02
    assert agreed_prevalence(row(SEN="0.900")) is None
    assert agreed_prevalence(row(ACC="0.800", SEN="0.900", SPE="0.700"), without=("ACC",)) is None


def test_an_area_below_its_own_operating_point():
    # SEN · SPE = .81; 1 - .1 · .1 = .99
    assert checks(auc_findings(row(AUC="0.75", SEN="0.90", SPE="0.90"))) == ["auc"]
    assert checks(auc_findings(row(AUC="0.999", SEN="0.90", SPE="0.90"))) == ["auc"]
    assert checks(auc_findings(row(AUC="0.85", SEN="0.90", SPE="0.90"))) == []
