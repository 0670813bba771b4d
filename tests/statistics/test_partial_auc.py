"""Partial AUC, validated against pROC, and the properties of areas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from places import REFERENCE

from pipeline.statistics.partial_auc import corrected, partial_auc
from pipeline.statistics.roc import placements

MODELS = pd.read_csv(REFERENCE / "models.csv")
# pROC: auc(r, partial.auc = c(high, low), partial.auc.focus = axis, partial.auc.correct = FALSE, then TRUE)
PROC = [
    ("LR", "specificity", 0.8, 1.0, 0.0706012913640032, 0.640559142677787),
    ("LR", "specificity", 0.6, 0.95, 0.213145682001614, 0.747733976039842),
    ("LR", "sensitivity", 0.8, 1.0, 0.0874798224374495, 0.687443951215138),
    ("LR", "sensitivity", 0.6, 0.95, 0.223789346246973, 0.767353633634974),
    ("KNN", "specificity", 0.8, 1.0, 0.056112666464891, 0.600312962402475),
    ("KNN", "sensitivity", 0.6, 0.95, 0.130912334425296, 0.59615176852589),
    ("Clinical", "specificity", 0.6, 0.95, 0.138347457627119, 0.609857064750449),
    ("Clinical", "sensitivity", 0.8, 1.0, 0.046317594834544, 0.573104430095956),
]


@pytest.mark.parametrize("case", PROC, ids=str)
def test_partial_auc_equals_proc(case):
    model, axis, low, high, area, rescaled = case
    found = partial_auc(MODELS[model], labels=MODELS["y"], axis=axis, low=low, high=high)

    assert found == pytest.approx([area], abs=1e-9)
    assert corrected(found, low=low, high=high) == pytest.approx([rescaled], abs=1e-9)


tied = arrays(np.float64, 24, elements=st.integers(0, 6).map(float))


@given(tied, st.sampled_from(["specificity", "sensitivity"]), st.floats(0.05, 0.95))
def test_adjacent_ranges_sum_to_the_whole_auc(scores, axis, cut):
    labels = np.arange(24) % 3 == 0
    parts = [partial_auc(scores, labels=labels, axis=axis, low=a, high=b)[0] for a, b in ((0, cut), (cut, 1))]

    assert sum(parts) == pytest.approx(placements(scores, labels=labels).auc[0], abs=1e-12)


@given(tied, arrays(np.int64, 24, elements=st.integers(0, 3)))
def test_counting_a_patient_twice_is_adding_a_copy(scores, counts):
    labels = np.arange(24) % 3 == 0
    counts[:2] = 1  # one of each class
    shared = {"axis": "specificity", "low": 0.7, "high": 0.95}
    copied = partial_auc(np.repeat(scores, counts), labels=np.repeat(labels, counts), **shared)

    assert partial_auc(scores, labels=labels, weights=[counts], **shared) == pytest.approx(copied, abs=1e-12)


def test_chance_is_one_half_and_perfection_one():
    labels = np.arange(10) < 4
    for axis in ("specificity", "sensitivity"):
        shared = {"labels": labels, "axis": axis, "low": 0.3, "high": 0.9}
        chance, perfect = partial_auc(np.zeros(10), **shared), partial_auc(labels * 1.0, **shared)
        assert corrected(chance, low=0.3, high=0.9) == pytest.approx([0.5])
        assert corrected(perfect, low=0.3, high=0.9) == pytest.approx([1.0])


def test_a_missing_score_is_refused():
    with pytest.raises(ValueError, match="missing"):
        partial_auc([1, np.nan], labels=[0, 1], axis="sensitivity", low=0.5, high=1)


@pytest.mark.parametrize(("low", "high"), [(0.9, 0.8), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_an_invalid_range_is_refused(low, high):
    with pytest.raises(ValueError, match=r"low .* must be below high"):
        partial_auc([1, 2], labels=[0, 1], axis="sensitivity", low=low, high=high)
