"""The recalibration line, calibration-in-the-large and the losses, validated against R; when there is no line."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import REFERENCE
from scipy.special import expit, logit

from pipeline.statistics.calibration import brier, calibration_line, in_the_large, losses, observed_expected

MODELS = pd.read_csv(REFERENCE / "models.csv")
EXPECTED = json.loads((REFERENCE / "expected" / "calibration.json").read_text())["models"]
LABELS = MODELS["y"]


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_line_equals_r(name):
    expected = EXPECTED[name]["recalibration"]
    line = calibration_line(MODELS[name], labels=LABELS)
    errors = [(high - low) / 2 / 1.959963984540054 for low, high in (line.intercept_wald, line.slope_wald)]

    assert (line.intercept, line.slope) == pytest.approx((expected["intercept"], expected["slope"]), abs=1e-8)
    assert errors == pytest.approx(expected["se"], abs=1e-5)
    assert line.slope_wald == pytest.approx(expected["slope_wald_ci"], abs=1e-5)
    assert line.slope_profile == pytest.approx(expected["slope_profile_ci"], abs=1e-6)


def test_profile_of_the_intercept_equals_r():
    # confint(glm(y ~ qlogis(Clinical), binomial)), and the same of Fused
    clinical, fused = (calibration_line(MODELS[name], labels=LABELS) for name in ("Clinical", "Fused"))
    assert clinical.intercept_profile == pytest.approx((-0.468733233775, 0.66028708712), abs=1e-6)
    assert fused.intercept_profile == pytest.approx((0.0432000385321, 0.914905627921), abs=1e-6)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_other_measures_equal_r(name):
    expected, large = EXPECTED[name], EXPECTED[name]["calibration_in_the_large"]
    found, ratio = in_the_large(MODELS[name], labels=LABELS), observed_expected(MODELS[name], labels=LABELS)
    means = {measure: values.mean() for measure, values in losses(MODELS[name], labels=LABELS).items()}

    assert found == pytest.approx((large["estimate"], *large["wald_ci"]), abs=1e-5)
    assert ratio.estimate == pytest.approx(expected["oe_ratio"], abs=1e-5)
    for measure, key in {"brier": "brier", "scaled_brier": "brier_scaled", "log_loss": "logloss"}.items():
        assert means[measure] == pytest.approx(expected[key], abs=1e-5)


def test_by_hand():
    scores, labels = [0.2, 0.2, 0.8, 0.8], [0, 1, 0, 1]
    means = {measure: values.mean() for measure, values in losses(scores, labels=labels).items()}
    ratio = observed_expected(scores, labels=labels)

    assert means["brier"] == pytest.approx((0.04 + 0.64) / 2)
    assert means["scaled_brier"] == pytest.approx(1 - 0.34 / 0.25)
    assert means["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2)
    # O = 2 of 4, E = 2: log interval 1.96 · sqrt(0.5 / 2)
    assert ratio == pytest.approx((1.0, np.exp(-1.959964 / 2), np.exp(1.959964 / 2)), abs=1e-6)
    assert in_the_large(scores, labels=labels).estimate == pytest.approx(0, abs=1e-12)
    line = calibration_line(scores, labels=labels)  # half the events at both risks: no information
    assert (line.intercept, line.slope) == pytest.approx((0, 0), abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(intercept=st.floats(-1.5, 1.5), slope=st.floats(0.8, 2.5))
def test_undoing_the_line_gives_a_perfect_one(intercept, slope):
    line = calibration_line(MODELS["Fused"], labels=LABELS)
    straight = line.intercept + line.slope * logit(MODELS["Fused"])
    found = calibration_line(expit((straight - intercept) / slope), labels=LABELS)

    assert (found.intercept, found.slope) == pytest.approx((intercept, slope), abs=1e-3)
    for low, value, high in (
        (found.slope_profile[0], found.slope, found.slope_profile[1]),
        (found.intercept_profile[0], found.intercept, found.intercept_profile[1]),
    ):
        assert low < value < high


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        ([0.3] * 4, [0, 1, 0, 1]),  # constant
        ([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]),  # separated
        ([0.1, 0.2, 0.2, 0.4], [0, 0, 1, 1]),  # separated except for a tie
        ([0.9, 0.8, 0.1, 0.0], [0, 0, 1, 1]),  # separated in the wrong direction
    ],
)
def test_no_line_by_rule(scores, labels):
    line = calibration_line(scores, labels=labels)

    assert np.isnan([line.intercept, line.slope, *line.slope_profile, *line.slope_wald, *line.intercept_profile]).all()
    assert np.isfinite(in_the_large(scores, labels=labels)).all()
    assert np.isfinite(observed_expected(scores, labels=labels)).all()


def test_certain_and_wrong_stays_finite():
    scores, labels = [0.0, 1.0, 0.0, 1.0, 0.5], [1, 0, 0, 1, 1]

    assert losses(scores, labels=labels)["log_loss"][0] == pytest.approx(-np.log(1e-6))
    assert np.isfinite(calibration_line(scores, labels=labels).slope)
    assert np.isfinite(in_the_large([1e-9] * 4, labels=[0, 0, 0, 1])).all()


def test_almost_separated_has_a_wide_interval_and_no_warning():
    scores, labels = np.linspace(0.02, 0.98, 40), np.arange(40) > 19
    labels[[19, 20]] = labels[[20, 19]]
    line = calibration_line(scores, labels=labels)

    assert 2 < line.slope_profile[0] < line.slope < line.slope_profile[1]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="not between 0 and 1"):
        in_the_large([0.1, np.nan], labels=[0, 1])
    with pytest.raises(ValueError, match="not between 0 and 1"):
        losses([0.1, 1.2], labels=[0, 1])
    with pytest.raises(ValueError, match="both classes"):
        calibration_line([0.1, 0.2], labels=[0, 0])


def test_scores_that_hardly_differ_have_the_line_and_the_limits_of_r():
    # A model without signal, recalibrated. g <- glm(y ~ qlogis(p), binomial, epsilon = 1e-14); coef(g); confint(g)
    labels = [1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1]
    scores = 0.82 + np.array([3, -2, 1, 4, 0, -1, -3, 2, 5, -4, 1, -2, 0, 2, -5]) / 1e4
    line = calibration_line(scores, labels=labels)

    assert (line.intercept, line.slope) == pytest.approx((-520.383056281, 344.167904380), rel=1e-7)
    assert line.intercept_profile == pytest.approx((-1821.850883326, 515.195811926), rel=2e-5)
    assert line.slope_profile == pytest.approx((-338.757626234, 1203.123805758), rel=2e-5)


@pytest.mark.parametrize("spread", [1e-2, 1e-3, 1e-4, 1e-5])
def test_the_profile_has_both_ends_however_little_scores_differ(spread):
    scores = 0.3 + spread * np.random.default_rng(5).normal(size=15)
    line = calibration_line(scores, labels=[1] * 5 + [0] * 10)

    for estimate, (low, high) in ((line.intercept, line.intercept_profile), (line.slope, line.slope_profile)):
        assert low < estimate < high


def test_brier_by_hand():
    assert brier([0.9, 0.2], labels=np.array([1, 0], dtype=np.uint8)) == pytest.approx((0.01 + 0.04) / 2)


@pytest.mark.parametrize("scores", [[0.1, np.nan], [np.inf, 0.2], [0.1]])
def test_invalid_scores_have_no_brier_score(scores):
    with pytest.raises(ValueError, match="score"):
        brier(scores, labels=[0, 1])
