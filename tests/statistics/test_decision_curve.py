"""Net benefit, validated against R's dcurves and counted by hand."""

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE

from pipeline.statistics.decision_curve import benefits

MODELS = pd.read_csv(REFERENCE / "models.csv")
CURVES = pd.read_csv(REFERENCE / "expected" / "dca.csv")


def net_benefit(scores, *, labels, thresholds):
    return benefits(scores, labels=labels, thresholds=thresholds).mean(axis=0)


STRATEGIES = {"all": np.ones(320), "none": np.zeros(320)}


@pytest.mark.parametrize("name", sorted(set(CURVES["variable"])))
def test_equals_dcurves(name):
    expected = CURVES[CURVES["variable"] == name]
    scores = STRATEGIES[name] if name in STRATEGIES else MODELS[name]
    found = net_benefit(scores, labels=MODELS["y"], thresholds=expected["threshold"])

    assert found == pytest.approx(expected["net_benefit"].to_numpy(), abs=1e-12)


def test_by_hand():
    # At a threshold of 1/5: of five patients, two true positives and one false positive of weight 1/4: (2 - 1 / 4) / 5.
    found = net_benefit([0.9, 0.2, 0.4, 0.1, 0.0], labels=[1, 1, 0, 0, 0], thresholds=[0.2])
    assert found == pytest.approx([0.35], abs=1e-15)


def test_a_treated_patient_adds_one_or_subtracts_the_odds():
    assert benefits([0.5, 0.5, 0.4], labels=[1, 0, 1], thresholds=[0.5]).ravel().tolist() == [1, -1, 0]


def test_a_perfect_model_has_the_prevalence_and_none_is_better():
    labels = np.arange(20) < 7
    grid = np.linspace(0.05, 0.95, 19)
    perfect = net_benefit(labels, labels=labels, thresholds=grid)

    assert perfect == pytest.approx(np.full(19, 0.35))
    other = net_benefit(np.random.default_rng(0).uniform(size=20), labels=labels, thresholds=grid)
    assert (other <= perfect + 1e-15).all()


@pytest.mark.parametrize("threshold", [0.0, 1.0, np.nan])
def test_a_threshold_without_odds_is_refused(threshold):
    with pytest.raises(ValueError, match="above 0 and below 1"):
        net_benefit([0.1, 0.2], labels=[0, 1], thresholds=[threshold])
