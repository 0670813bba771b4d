"""Average precision, validated against scikit-learn and hand calculation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from places import REFERENCE
from sklearn.metrics import average_precision_score

from pipeline.statistics.precision_recall import average_precision, precision_recall_points

MODELS = pd.read_csv(REFERENCE / "models.csv")
tied = arrays(np.float64, 24, elements=st.integers(0, 6).map(float))


def test_by_hand_with_a_tie():
    # 4: event; 3: event and non-event, 2 of 3; 2: non-event; 1: event, 3 of 5. Thirds of sensitivity, so
    # (1 + 2/3 + 3/5) / 3.
    scores, labels = [4, 3, 3, 2, 1], [1, 1, 0, 0, 1]

    assert average_precision(scores, labels=labels) == pytest.approx([(1 + 2 / 3 + 3 / 5) / 3])
    x, y = precision_recall_points(scores, labels=labels)
    assert list(x) == pytest.approx([1 / 3, 2 / 3, 1])
    assert list(y) == pytest.approx([1, 2 / 3, 3 / 5])


@pytest.mark.parametrize("model", ["LR", "KNN", "Clinical", "Fused"])
def test_equals_scikit_learn(model):
    found = average_precision(MODELS[model], labels=MODELS["y"].astype("uint8"))

    assert found == pytest.approx([average_precision_score(MODELS["y"], MODELS[model])], abs=1e-12)


@given(tied)
def test_steps_of_the_points_sum_to_it(scores):
    labels = np.arange(24) % 3 == 0
    x, y = precision_recall_points(scores, labels=labels)

    assert (np.diff(x, prepend=0) * y).sum() == pytest.approx(average_precision(scores, labels=labels)[0], abs=1e-12)
    assert x[-1] == 1


@given(tied, arrays(np.int64, 24, elements=st.integers(0, 3)))
def test_counting_a_patient_twice_is_adding_a_copy(scores, counts):
    labels = np.arange(24) % 3 == 0
    counts[:2] = 1
    copied = average_precision(np.repeat(scores, counts), labels=np.repeat(labels, counts))

    assert average_precision(scores, labels=labels, weights=[counts]) == pytest.approx(copied, abs=1e-12)


def test_constant_scores_give_the_prevalence_and_perfect_ones_1():
    labels = np.arange(10) < 3
    assert average_precision(np.zeros(10), labels=labels) == pytest.approx([0.3])
    assert average_precision(labels, labels=labels) == pytest.approx([1.0])


def test_a_missing_score_and_one_class_are_refused():
    with pytest.raises(ValueError, match="missing"):
        average_precision([1, np.nan], labels=[1, 0])
    with pytest.raises(ValueError, match="both classes"):
        average_precision([1, 2], labels=[1, 1])
