"""The loess curve, its band and its distances, validated against R's loess; when there is no curve."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE

from pipeline.statistics import calibration_curve as module
from pipeline.statistics.calibration_curve import calibration_curve, calibration_distances, distance_intervals

MODELS = pd.read_csv(REFERENCE / "models.csv")
EXPECTED = json.loads((REFERENCE / "expected" / "calibration.json").read_text())["models"]
CURVES = pd.read_csv(REFERENCE / "expected" / "calibration_loess_curve.csv")
LABELS = MODELS["y"]


def calibrated(n, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 2, size=n)
    return p, rng.uniform(size=n) < p


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_distances_equal_r(name):
    expected = EXPECTED[name]["loess_degree2_span0.75"]
    found = calibration_distances(MODELS[name], labels=LABELS)

    assert found == pytest.approx((expected["ICI"], expected["E50"], expected["E90"]), abs=1e-9)


@pytest.mark.parametrize("name", sorted(set(CURVES["model"])))
def test_curve_and_band_equal_r(name):
    expected = CURVES[CURVES["model"] == name]
    found = calibration_curve(MODELS[name], labels=LABELS, at=expected["p"])

    assert found.observed == pytest.approx(expected["fit"].to_numpy(), abs=1e-9)
    assert found.ci_low == pytest.approx(expected["lo"].to_numpy(), abs=1e-6)
    assert found.ci_high == pytest.approx(expected["hi"].to_numpy(), abs=1e-6)


def test_the_grid_goes_from_the_minimum_to_the_maximum():
    found = calibration_curve(MODELS["Fused"], labels=LABELS, points=11)

    assert (found.predicted[0], found.predicted[-1]) == (MODELS["Fused"].min(), MODELS["Fused"].max())
    assert found.predicted.size == found.observed.size == 11
    assert (found.ci_low < found.observed).all()


@pytest.mark.parametrize(
    "scores",
    [
        np.full(40, 0.3),
        np.linspace(0, 1, 40).round(0),
        np.linspace(0.1, 0.9, 40).round(1),  # nine values
        np.r_[np.full(35, 0.3), [0.1, 0.2, 0.4, 0.5, 0.6]],
        np.r_[np.full(300, 0.1), np.linspace(0.2, 0.9, 20)],  # one value fills the span
        np.r_[0.1 + 1e-13 * np.arange(300), np.linspace(0.2, 0.9, 20)],  # nearly so
        np.linspace(0, 1, 19),
    ],
)
def test_no_curve_by_rule(scores):
    labels = np.arange(scores.size) % 3 == 0

    assert np.isnan(calibration_distances(scores, labels=labels)).all()
    assert calibration_curve(scores, labels=labels) is None
    assert np.isnan(distance_intervals(scores, labels=labels, replicates=5, seed=1)["ici"]).all()


def test_perfect_separation_has_a_curve_and_no_warning():
    scores = np.linspace(0.01, 0.99, 50)
    assert calibration_distances(scores, labels=scores > 0.5).ici > 0.1


def test_a_calibrated_model_is_near_the_diagonal():
    p, labels = calibrated(4000)
    assert calibration_distances(p, labels=labels).ici < 0.02
    assert calibration_distances(np.sqrt(p), labels=labels).ici > 0.15


def test_intervals_of_the_distances():
    found = distance_intervals(MODELS["MLP"], labels=LABELS, replicates=100, seed=1)
    estimate = calibration_distances(MODELS["MLP"], labels=LABELS)

    for name, (low, high) in found.items():
        assert 0 < low < getattr(estimate, name) < high
    assert found == distance_intervals(MODELS["MLP"], labels=LABELS, replicates=100, seed=1)
    assert np.isnan(distance_intervals(MODELS["MLP"], labels=LABELS, replicates=0, seed=1)["e90"]).all()


def test_the_band_of_many_patients_is_that_of_all_of_them(monkeypatch):
    p, labels = calibrated(3000)
    grouped = calibration_curve(p, labels=labels)
    monkeypatch.setattr(module, "MANY", 5000)
    whole = calibration_curve(p, labels=labels)

    assert np.array_equal(grouped.observed, whole.observed)
    # The last point lies beyond the last group.
    ratio = (grouped.ci_high - grouped.ci_low) / (whole.ci_high - whole.ci_low)
    assert ratio[:-1] == pytest.approx(1, abs=0.01)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="not between 0 and 1"):
        calibration_distances([np.nan] * 30, labels=[0, 1] * 15)
    with pytest.raises(ValueError, match="both classes"):
        calibration_curve(np.linspace(0, 1, 30), labels=[0] * 30)
