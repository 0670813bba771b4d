"""Thresholds learned from training scores: validated by hand, against pROC, and by trying every cut."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from places import REFERENCE, ROOT

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import CommonParams, ThresholdParams, load_params
from pipeline.predictions.thresholds import cost_threshold, learn_threshold, sensitivity_threshold, youden_threshold
from pipeline.statistics.confusion import confusion

MODELS = pd.read_csv(REFERENCE / "models.csv")


def booleans(*values):
    return np.array(values, dtype=bool)


def test_threshold_lies_midway_between_neighbours():
    assert youden_threshold(np.array([0.1, 0.2, 0.6, 0.7]), booleans(0, 0, 1, 1)) == pytest.approx(0.4)


def test_of_tied_thresholds_the_lowest_is_chosen():
    # Cutting above 0.1 or above 0.3 both give sensitivity + specificity - 1 = 1/2.
    assert youden_threshold(np.array([0.1, 0.2, 0.3, 0.4]), booleans(0, 1, 0, 1)) == pytest.approx(0.15)


def test_all_scores_equal_makes_all_positive():
    scores = np.full(5, 0.3)
    assert (scores >= youden_threshold(scores, booleans(0, 1, 0, 1, 1))).all()


tied_scores = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=4, max_size=40)


@given(tied_scores)
def test_threshold_equals_trying_every_cut(rows):
    scores, labels = np.array([row[0] for row in rows]) / 12, np.array([row[1] for row in rows])
    assume(labels.any() and not labels.all() and np.unique(scores).size > 1)

    def youden(cut):
        return (scores[labels] >= cut).mean() + (scores[~labels] < cut).mean()

    values = np.unique(scores)
    found = youden_threshold(scores, labels)
    assert youden(found) == pytest.approx(max(youden(cut) for cut in (values[1:] + values[:-1]) / 2))


def test_sensitivity_is_reached_with_the_highest_threshold():
    scores, labels = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9]), booleans(0, 1, 0, 1, 1, 1)

    assert sensitivity_threshold(scores, labels, sensitivity=0.75) == pytest.approx(0.5)
    assert sensitivity_threshold(scores, labels, sensitivity=0.76) == pytest.approx(0.15)
    assert sensitivity_threshold(scores, labels, sensitivity=1.0) == pytest.approx(0.15)


def test_rounding_requires_no_additional_event():
    # 0.07 · 100 is 7.000000000000001 in floating point; seven events are enough.
    scores, labels = np.linspace(0.05, 0.95, 200), np.arange(200) >= 100
    threshold = sensitivity_threshold(scores, labels, sensitivity=0.07)

    assert 0.07 * 100 > 7
    assert int((scores[labels] >= threshold).sum()) == 7


def test_cost_equals_proc():
    # pROC: coords(roc(y, LR), "best", best.method = "youden", best.weights = c(5, 84 / 320)), then c(1, 84 / 320), for
    # which 0.414752 and 0.4228415 cost the same.
    labels = MODELS["y"].to_numpy() == 1
    for ratio, expected in ((5.0, 0.1718255), (1.0, 0.414752)):
        found = cost_threshold(MODELS["LR"].to_numpy(), labels, cost_ratio=ratio)
        assert found == pytest.approx(expected, abs=1e-9)


@given(tied_scores, st.sampled_from([0.2, 1.0, 3.0, 50.0]))
def test_no_cut_costs_less(rows, ratio):
    scores, labels = np.array([row[0] for row in rows]) / 12, np.array([row[1] for row in rows])
    assume(labels.any() and not labels.all())

    def cost(cut):
        counts = confusion(scores, labels=labels, threshold=cut)
        return ratio * counts.fn + counts.fp

    # A patient with the score 1 cannot be called negative: no threshold lies above 1.
    tried = [*np.unique(scores), *([1.0] if scores.max() < 1 else [])]
    assert cost(cost_threshold(scores, labels, cost_ratio=ratio)) == pytest.approx(min(cost(cut) for cut in tried))


def test_all_are_positive_if_missed_events_are_costly_and_none_if_cheap():
    scores, labels = np.array([0.2, 0.4, 0.6]), booleans(1, 0, 0)

    assert cost_threshold(scores, labels, cost_ratio=100) < 0.2
    assert 0.6 < cost_threshold(scores, labels, cost_ratio=0.01) < 1


def test_constant_scores_make_all_or_none_positive():
    scores, labels = np.full(4, 0.3), booleans(0, 1, 0, 1)

    assert sensitivity_threshold(scores, labels, sensitivity=0.5) <= 0.3
    assert cost_threshold(scores, labels, cost_ratio=9) <= 0.3 < cost_threshold(scores, labels, cost_ratio=0.1)


def test_the_params_name_the_rule(tmp_path):
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])
    labels = booleans(0, 1, 0, 0, 1, 1, 0, 1)
    found = {
        name: learn_threshold(scores, labels, rule=ThresholdParams(rule=name, sensitivity=1.0, cost_ratio=0.1))
        for name in ("youden", "sensitivity", "cost")
    }
    assert found == pytest.approx({"youden": 0.5, "sensitivity": 0.15, "cost": 0.85})

    shipped = (ROOT / "params" / "common.yaml").read_text()
    path = tmp_path / "common.yaml"
    path.write_text(shipped.replace("rule: youden ", "rule: best "))
    with pytest.raises(ParamsError, match=r"'threshold.rule' has the value 'best'"):
        load_params(path, CommonParams)
