"""The frozen operating point: cuts and lines computed by hand, and the properties of recalibration."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import ThresholdParams
from pipeline.foundation.tables import check_table
from pipeline.predictions.operating_point import MIN_SLOPE, fit_operating_point, freeze, operating_points


def booleans(*values):
    return np.array(values, dtype=bool)


def test_recalibration_of_two_scores_is_the_rate_of_each():
    # 2 of 8 events at 0.2 and 9 of 12 at 0.8: with two scores the line passes through both groups' mean target,
    # and the targets are 12/13 for the 11 events, 1/11 for the 9 non-events.
    scores = np.repeat([0.2, 0.8], [8, 12])
    labels = np.array([1] * 2 + [0] * 6 + [1] * 9 + [0] * 3, dtype=bool)
    point = fit_operating_point(scores, labels)
    low, high = (2 * 12 / 13 + 6 / 11) / 8, (9 * 12 / 13 + 3 / 11) / 12
    np.testing.assert_allclose(point.recalibrate(np.array([0.2, 0.8])), [low, high], atol=1e-8)
    assert point.threshold == pytest.approx((low + high) / 2)


def test_calibrated_scores_stay_nearly_as_they_are():
    rng = np.random.default_rng(1)
    scores = rng.uniform(0.02, 0.98, 20_000)
    point = fit_operating_point(scores, rng.random(20_000) < scores)
    assert point.slope == pytest.approx(1, abs=0.05)
    assert point.intercept == pytest.approx(0, abs=0.05)
    assert point.threshold == pytest.approx(0.5, abs=0.05)


def test_separated_scores_get_a_finite_line_and_stay_apart():
    scores = np.linspace(0.01, 0.99, 60)
    point = fit_operating_point(scores, scores > 0.5)
    recalibrated = point.recalibrate(scores)
    assert np.unique(recalibrated).size == 60
    assert 0 < recalibrated.min() < point.threshold < recalibrated.max() < 1


def test_scores_worse_than_chance_give_about_the_prevalence_in_their_own_order():
    scores = np.linspace(0.9, 0.1, 40)
    labels = np.arange(40) >= 30
    point = fit_operating_point(scores, labels)
    assert point.slope == MIN_SLOPE
    np.testing.assert_allclose(point.recalibrate(scores), 0.25, atol=0.02)
    np.testing.assert_array_equal(rankdata(point.recalibrate(scores)), rankdata(scores))


def test_saturated_scores_are_not_tied():
    # A network trained for long predicts 1e-8 here and 1e-7 there: a ranking that counts in the AUC of the raw scores.
    low = np.array([0.0, 1e-10, 1e-8, 1e-7, 9e-7, 1.1e-6, 0.01])
    scores = np.concatenate([low, [0.5], 1 - low[::-1]])
    labels = np.array([0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1], dtype=bool)
    recalibrated = fit_operating_point(scores, labels).recalibrate(scores)
    np.testing.assert_array_equal(rankdata(recalibrated), rankdata(scores))
    assert 0 < recalibrated.min() < recalibrated.max() < 1


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_constant_scores_give_the_prevalence(value):
    point = fit_operating_point(np.full(100, value), np.arange(100) < 30)
    np.testing.assert_allclose(point.recalibrate(np.full(3, value)), 0.3, atol=0.005)


labelled = st.lists(st.tuples(st.integers(0, 1000), st.booleans()), min_size=4, max_size=60)


@given(labelled)
@settings(deadline=None)
def test_recalibration_keeps_every_ranking_and_the_mean(rows):
    scores, labels = np.array([row[0] for row in rows]) / 1000, np.array([row[1] for row in rows])
    assume(labels.any() and not labels.all())
    point = fit_operating_point(scores, labels)
    recalibrated = point.recalibrate(scores)
    assert 0 <= point.threshold <= 1
    assert np.isfinite([point.intercept, point.slope]).all()
    np.testing.assert_array_equal(rankdata(recalibrated), rankdata(scores))
    if point.slope > MIN_SLOPE:
        n1, n0 = labels.sum(), (~labels).sum()
        targets = np.where(labels, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
        assert recalibrated.mean() == pytest.approx(targets.mean(), abs=1e-7)


@pytest.mark.parametrize("labels", [booleans(0, 0, 0), booleans(1, 1, 1)])
def test_one_class_is_refused(labels):
    with pytest.raises(ValueError, match="both classes are needed"):
        fit_operating_point(np.array([0.1, 0.2, 0.3]), labels)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.1])
def test_scores_outside_0_to_1_are_refused(bad):
    with pytest.raises(ValueError, match="between 0 and 1"):
        fit_operating_point(np.array([0.1, 0.2, bad]), booleans(0, 1, 0))


def test_labels_of_any_type_count_as_classes():
    scores = np.array([0.2, 0.4, 0.6, 0.8])
    points = [fit_operating_point(scores, np.array([0, 1, 0, 1], dtype=kind)) for kind in (bool, np.uint8, float)]
    assert points[0] == points[1] == points[2]


def raw_table(*, model="lr", seed=0):
    """Two repeats of out-of-fold scores for 40 training patients, and 10 internal and 10 external patients."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(60):
        label = index % 3 == 0
        kinds = [("cv-1", "cv"), ("cv-2", "cv")] if index < 40 else [("final", ("internal", "external")[index % 2])]
        for resample, evaluation in kinds:
            score = float(np.clip(rng.normal(0.6 if label else 0.4, 0.15), 0, 1))
            rows.append(("set", model, resample, f"P{index:02d}", evaluation, int(label), score))
    columns = ["feature_set", "model", "resample", "patient_id", "evaluation", "label", "score"]
    return pd.DataFrame(rows, columns=columns)


def test_frozen_table_keeps_its_contract_and_one_threshold():
    raw = pd.concat([raw_table(model="lr"), raw_table(model="rf", seed=1)], ignore_index=True)
    frozen = freeze(raw)
    check_table(frozen, PREDICTIONS, place="frozen")
    cv, test = frozen[frozen["evaluation"] == "cv"], frozen[frozen["evaluation"] != "cv"]
    assert cv["threshold"].isna().all()
    assert sorted(cv["score"]) == sorted(raw.loc[raw["evaluation"] == "cv", "score"])
    assert set(test["evaluation"]) == {"internal", "external"}
    assert test.groupby("model")["threshold"].nunique().tolist() == [1, 1]
    assert test["threshold"].nunique() == 2


def test_operating_point_comes_from_the_mean_over_repeats():
    raw = raw_table()
    mean = raw[raw["evaluation"] == "cv"].groupby("patient_id").agg({"score": "mean", "label": "first"})
    expected = fit_operating_point(mean["score"].to_numpy(), mean["label"].to_numpy().astype(bool))
    assert operating_points(raw) == {("set", "lr"): expected}


def test_the_rule_of_the_params_gives_the_threshold():
    raw = raw_table()
    sensitive = ThresholdParams(rule="sensitivity", sensitivity=1.0, cost_ratio=1.0)
    point = operating_points(raw, rule=sensitive)["set", "lr"]
    cv = raw[raw["evaluation"] == "cv"].groupby("patient_id").agg({"score": "mean", "label": "first"})

    events = point.recalibrate(cv.loc[cv["label"] == 1, "score"].to_numpy())
    assert point.threshold < events.min()
    assert set(freeze(raw, rule=sensitive)["threshold"].dropna()) == {point.threshold}
    assert point.threshold < operating_points(raw)["set", "lr"].threshold


def test_test_rows_and_row_order_do_not_change_the_operating_point():
    raw = raw_table()
    garbage = raw.copy()
    test = garbage["evaluation"] != "cv"
    garbage.loc[test, "score"] = 0.999
    garbage.loc[test, "label"] = 1 - garbage.loc[test, "label"]
    shuffled = garbage.sample(frac=1, random_state=3)
    assert operating_points(shuffled) == operating_points(raw)


def test_one_class_out_of_fold_is_one_sentence_that_names_the_model():
    raw = raw_table().assign(label=0)
    with pytest.raises(PipelineError, match="for model lr on set set: its out-of-fold labels hold 0 events"):
        freeze(raw)


def test_an_empty_table_stays_empty():
    empty = freeze(raw_table().iloc[:0])
    assert empty.empty
    check_table(empty, PREDICTIONS, place="frozen")


def test_no_out_of_fold_scores_is_one_sentence():
    raw = raw_table()
    with pytest.raises(PipelineError, match="0 events among 0 patients"):
        freeze(raw[raw["evaluation"] != "cv"])
