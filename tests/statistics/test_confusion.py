"""Confusion counts and the measures derived from them, validated against R (epiR, pROC, caret) and scikit-learn."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE
from sklearn.metrics import balanced_accuracy_score, f1_score, matthews_corrcoef

from pipeline.statistics.confusion import (
    Confusion,
    confusion,
    no_information_rate,
    resampled_measures,
    threshold_measures,
)

MODELS = pd.read_csv(REFERENCE / "models.csv")
TABLES = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())
YOUDEN = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())["youden"]
EPI = {"sensitivity": "se", "specificity": "sp", "ppv": "pv.pos", "npv": "pv.neg", "accuracy": "diag.ac"}


@pytest.mark.parametrize("case", sorted(name for name in TABLES["diagnostic"] if "_" in name))
def test_diagnostic_proportions_equal_epir(case):
    # epiR: epi.tests(table, method = "wilson")
    expected = TABLES["diagnostic"][case]
    counts = confusion(MODELS[case.split("_")[0]], labels=MODELS["y"], threshold=expected["threshold"])

    assert {name: getattr(counts, name) for name in ("tp", "fp", "fn", "tn")} == {
        name: expected[name] for name in ("tp", "fp", "fn", "tn")
    }
    for ours, theirs in EPI.items():
        assert counts.proportions()[ours] == pytest.approx(tuple(expected["wilson"][theirs]), abs=1e-8)


@pytest.mark.parametrize("model", sorted(YOUDEN))
def test_counts_at_a_threshold_equal_proc(model):
    expected = YOUDEN[model]
    counts = confusion(MODELS[model], labels=MODELS["y"], threshold=expected["threshold"])

    assert (counts.tp, counts.fp, counts.tn, counts.fn) == tuple(expected[k] for k in ("tp", "fp", "tn", "fn"))


def test_a_score_at_the_threshold_is_positive():
    assert confusion([0.5, 0.4], labels=[1, 0], threshold=0.5) == Confusion(tp=1, fp=0, tn=1, fn=0)


def test_what_has_no_denominator_is_undefined():
    none_called = Confusion(tp=0, fp=0, tn=5, fn=3)

    assert np.isnan(none_called.proportions()["ppv"]).all()
    assert none_called.proportions()["sensitivity"].estimate == 0


@pytest.mark.parametrize("scores", [[0.1, np.nan], [np.inf, 0.2], [0.1]])
def test_invalid_scores_are_refused(scores):
    with pytest.raises(ValueError, match="score"):
        confusion(scores, labels=[0, 1], threshold=0.5)


@pytest.mark.parametrize("model", ["LR", "KNN", "Fused"])
def test_equal_scikit_learn(model):
    once = np.ones((1, len(MODELS)))
    found = resampled_measures(MODELS[model], labels=MODELS["y"], threshold=0.25, counts=once)
    called = MODELS[model] >= 0.25

    assert found["mcc"] == pytest.approx([matthews_corrcoef(MODELS["y"], called)], abs=1e-12)
    assert found["f1"] == pytest.approx([f1_score(MODELS["y"], called)], abs=1e-12)
    assert found["balanced_accuracy"] == pytest.approx([balanced_accuracy_score(MODELS["y"], called)], abs=1e-12)


@pytest.mark.parametrize("case", sorted(name for name in TABLES["diagnostic"] if "_" in name))
def test_f1_equals_r(case):
    expected = TABLES["diagnostic"][case]
    found = threshold_measures(**{name: expected[name] for name in ("tp", "fp", "tn", "fn")})

    assert found["f1"] == pytest.approx(expected["f1"], abs=1e-8)


def test_counting_a_patient_twice_is_adding_a_copy():
    counts = np.random.default_rng(0).integers(1, 4, size=len(MODELS))
    found = resampled_measures(MODELS["LR"], labels=MODELS["y"], threshold=0.25, counts=[counts])
    twice = MODELS.loc[MODELS.index.repeat(counts)]

    assert found["mcc"] == pytest.approx([matthews_corrcoef(twice["y"], twice["LR"] >= 0.25)], abs=1e-12)


def test_all_called_negative_has_no_correlation():
    found = threshold_measures(tp=0, fp=0, tn=5, fn=3)
    assert np.isnan(found["mcc"])
    assert (found["f1"], found["balanced_accuracy"]) == (0, 0.5)
    assert np.isnan(threshold_measures(tp=0, fp=0, tn=5, fn=0)["f1"])


def test_no_information_rate_equals_caret():
    # caret: confusionMatrix(LR >= 0.238157, y, positive = "1")$overall[c("AccuracyNull", "AccuracyPValue")]
    rate, p_value = no_information_rate(Confusion(tp=61, fp=62, tn=174, fn=23))

    assert rate == pytest.approx(0.7375, abs=1e-12)
    assert p_value == pytest.approx(0.579346858186952, abs=1e-9)
    assert no_information_rate(Confusion(tp=5, fp=0, tn=0, fn=0)) == (1.0, 1.0)
    assert np.isnan(no_information_rate(Confusion(tp=0, fp=0, tn=0, fn=0))).all()
