"""AUC and its DeLong variance, validated against pROC (R) and counting by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from places import REFERENCE

from pipeline.statistics.auc_intervals import plain_interval
from pipeline.statistics.roc import as_labels, auc_variances, placements, roc_corners, roc_points

MODELS = pd.read_csv(REFERENCE / "models.csv")
EXPECTED = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())["single"]


@pytest.mark.parametrize("model", sorted(EXPECTED))
def test_auc_variance_and_interval_equal_proc(model):
    # pROC: r <- roc(y, x, direction = "<"); var(r); ci.auc(r); ci.auc(r, conf.level = 0.9)
    placed = placements(MODELS[model], labels=MODELS["y"])
    auc, variance = placed.auc[0], auc_variances(placed)[0]
    expected = EXPECTED[model]

    assert auc == pytest.approx(expected["auc"], abs=1e-9)
    assert variance == pytest.approx(expected["var_delong"], abs=1e-9)
    for level in (95, 90):
        low, _, high = expected[f"ci{level}_delong"]
        assert plain_interval(auc, variance=variance, level=level / 100) == pytest.approx((low, high), abs=1e-9)


def test_auc_by_hand_with_a_tie():
    # Events 3, 1; non-events 2, 1, 0: concordant pairs 3 + (0 + ½ + 1) of 6.
    assert placements([3, 1, 2, 1, 0], labels=[1, 1, 0, 0, 0]).auc[0] == pytest.approx(4.5 / 6, abs=1e-15)


@given(
    arrays(np.float64, (2, 12), elements=st.integers(0, 5).map(float)),
    arrays(bool, 12).filter(lambda labels: 0 < labels.sum() < 12),
)
def test_auc_is_the_fraction_of_pairs_won(scores, labels):
    events, non_events = scores[:, labels], scores[:, ~labels]
    wins = (events[:, :, None] > non_events[:, None, :]) + 0.5 * (events[:, :, None] == non_events[:, None, :])

    np.testing.assert_allclose(placements(scores, labels=labels).auc, wins.mean(axis=(1, 2)), atol=1e-12)


@given(arrays(np.float64, 20, elements=st.integers(0, 9).map(float)))
def test_reversing_scores_and_labels_changes_nothing(scores):
    labels = np.arange(20) % 3 == 0
    one, other = placements(scores, labels=labels), placements(-scores, labels=~labels)

    assert one.auc[0] == pytest.approx(other.auc[0], abs=1e-12)
    assert auc_variances(one)[0] == pytest.approx(auc_variances(other)[0], abs=1e-12)


def test_one_patient_in_a_class_has_no_variance():
    assert np.isnan(auc_variances(placements([3, 1, 2, 0], labels=[1, 0, 0, 0]))).all()


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0], [0, 1, 2], [0, 1, np.nan], ["yes", "no", "no"]])
def test_labels_that_allow_no_auc_are_refused(labels):
    with pytest.raises(ValueError, match=r"neither 0 nor 1|both classes"):
        as_labels(labels)


@pytest.mark.parametrize("scores", [[0.1, np.nan, 0.2], [0.1, np.inf, 0.2], [0.1, 0.2]])
def test_scores_that_allow_no_auc_are_refused(scores):
    with pytest.raises(ValueError, match="score"):
        placements(scores, labels=[1, 0, 0])


@given(arrays(np.float64, 15, elements=st.integers(0, 4).map(float)))
def test_area_under_the_points_is_the_auc(scores):
    labels = np.arange(15) % 2 == 0
    x, y = roc_points(scores, labels=labels)

    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(y, x) == pytest.approx(placements(scores, labels=labels).auc[0], abs=1e-12)


@given(arrays(np.float64, 20, elements=st.integers(0, 6).map(float)))
def test_the_corners_draw_the_same_curve(scores):
    labels = np.arange(20) % 3 == 0
    x, y = roc_points(scores, labels=labels)
    fewer_x, fewer_y = roc_corners(scores, labels=labels)

    assert set(zip(fewer_x, fewer_y, strict=True)) <= set(zip(x, y, strict=True))
    assert np.trapezoid(fewer_y, fewer_x) == pytest.approx(np.trapezoid(y, x), abs=1e-12)


def test_points_on_a_line_are_no_corners():
    # Both non-events first, then both events: the four steps form two lines.
    assert [list(side) for side in roc_corners([4, 3, 2, 1], labels=[0, 0, 1, 1])] == [[0, 1, 1], [0, 0, 1]]
