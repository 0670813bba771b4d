import pytest

from pipeline.consistency.intervals import hanley_mcneil_error, interval_findings
from pipeline.consistency.printed_table import Row, printed_fraction
from pipeline.consistency.rounding import ROUNDINGS
from pipeline.consistency.verdicts import judge


def found(name, *, value, low, high, counts=None, **more):
    fraction = {key: printed_fraction(text, percent=False) for key, text in {name: value, **more}.items() if text}
    limits = tuple(printed_fraction(text, percent=False) if text else None for text in (low, high))
    row = Row(number=2, values=fraction, intervals={name: limits}, counts=counts or {})
    verdict = judge(row, max_n=60, roundings=ROUNDINGS)
    return [(one.check, one.severity) for one in interval_findings(verdict, narrowest=0.7, narrowest_auc=0.5)]


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        ("0.80", "0.70", "0.90", []),
        ("0.80", "0.80", "0.90", []),
        ("0.800", "0.802", "0.900", [("interval", "error")]),
        ("0.80", "0.50", "0.78", [("interval", "error")]),
        ("0.80", "0.90", "0.70", [("interval", "error")]),
        ("0.95", "0.90", "1.02", [("interval", "warning")]),
        ("0.80", "0.85", None, [("interval", "error")]),
        (None, "0.70", "0.90", []),
    ],
)
def test_an_interval_contains_its_estimate(value, low, high, expected):
    assert found("AUC", value=value, low=low, high=high) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ("0.609", "0.911", []),  # Wilson's of 24 of 30
        ("0.657", "0.943", []),  # Wald's
        ("0.75", "0.85", [("narrow_interval", "warning")]),
    ],
)
def test_a_proportion_of_thirty_patients_has_a_wide_interval(low, high, expected):
    counts = {"n_pos": 30, "n_neg": 30}

    assert found("SEN", value="0.80", low=low, high=high, counts=counts) == expected
    assert found("SEN", value="0.80", low=low, high=high) == []  # the number of patients is not known


def test_the_interval_of_accuracy_needs_the_total_alone():
    assert found("ACC", value="0.80", low="0.76", high="0.84", counts={"n": 60}) == [("narrow_interval", "warning")]
    assert found("ACC", value="0.80", low="0.682", high="0.882", counts={"n": 60}) == []  # Wilson's of 48 of 60


def test_an_interval_of_new_training_runs_is_too_narrow_for_new_patients():
    # 38 and 44 patients, AUC .874: Hanley and McNeil's SE is .041, so about .16 wide.
    counts = {"n_pos": 38, "n_neg": 44}

    assert found("AUC", value="0.874", low="0.86", high="0.89", counts=counts) == [("narrow_interval", "warning")]
    assert found("AUC", value="0.874", low="0.79", high="0.95", counts=counts) == []


def test_ppv_is_of_the_patients_called_positive():
    # 30 of 42 and 159 of 220: PPV 30 / 91, Wilson .242 to .431.
    counts, rates = {"n_pos": 42, "n_neg": 220}, {"SEN": "0.714", "SPE": "0.723"}

    assert found("PPV", value="0.330", low="0.242", high="0.431", counts=counts, **rates) == []
    narrow = found("PPV", value="0.330", low="0.300", high="0.360", counts=counts, **rates)
    assert narrow == [("narrow_interval", "warning")]


@pytest.mark.parametrize(("n_pos", "n_neg"), [(2, 2), (10, 25), (60, 7)])
def test_standard_error_at_one_half_is_that_of_the_rank_sum_test(n_pos, n_neg):
    expected = ((n_pos + n_neg + 1) / (12 * n_pos * n_neg)) ** 0.5

    assert hanley_mcneil_error(0.5, n_pos=n_pos, n_neg=n_neg) == pytest.approx(expected, abs=1e-12)
