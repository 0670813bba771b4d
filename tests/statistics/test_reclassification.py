"""NRI and IDI with their components, validated against R (Hmisc) and counted by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import REFERENCE

from pipeline.statistics.reclassification import improvements

MODELS = pd.read_csv(REFERENCE / "models.csv")


def means(*args, **kwargs):
    return {name: float(values.mean()) for name, values in improvements(*args, **kwargs).items()}


@pytest.mark.parametrize(
    ("new", "old", "nri", "idi"),
    [
        (
            "Fused",
            "Clinical",
            (0.4285714285714286, 0.3559322033898305, 0.7845036319612591),
            (0.0988772857142857, 0.0303236355932203, 0.129200921307506),
        ),
        (
            "LR",
            "KNN",
            (0.2142857142857142, 0.0847457627118644, 0.2990314769975786),
            (0.03494225, 0.01725231355932, 0.05219456355932),
        ),
    ],
)
def test_equals_hmisc(new, old, nri, idi):
    # Hmisc: improveProb(old, new, y)[c("nri.ev", "nri.ne", "nri", "improveSens", "improveSpec", "idi")]
    found = means(MODELS[new], old=MODELS[old], labels=MODELS["y"])

    assert [found[name] for name in ("nri_events", "nri_non_events", "nri")] == pytest.approx(nri, abs=1e-12)
    assert [found[name] for name in ("idi_events", "idi_non_events", "idi")] == pytest.approx(idi, abs=1e-12)


def test_by_hand():
    # Of two events, one goes up and one down; of three non-events, two go down and one is unchanged.
    found = means([0.9, 0.3, 0.1, 0.1, 0.5], old=[0.5, 0.5, 0.5, 0.3, 0.5], labels=[1, 1, 0, 0, 0])

    assert (found["nri_events"], found["nri_non_events"]) == pytest.approx((0, 2 / 3))
    assert (found["idi_events"], found["idi_non_events"]) == pytest.approx((0.1, 0.2))


def test_at_thresholds_it_is_sensitivity_and_specificity():
    labels, new, old = MODELS["y"] == 1, MODELS["Fused"], MODELS["Clinical"]
    found = means(new, old=old, labels=labels, thresholds=(0.3, 0.2))

    assert found["nri_at_threshold_events"] == pytest.approx((new >= 0.3)[labels].mean() - (old >= 0.2)[labels].mean())
    assert found["nri_at_threshold_non_events"] == pytest.approx(
        (new < 0.3)[~labels].mean() - (old < 0.2)[~labels].mean()
    )


@given(st.lists(st.floats(0, 1), min_size=4, max_size=20))
def test_swapping_the_models_flips_the_signs(scores):
    new, labels = np.array(scores), np.arange(len(scores)) % 2
    old = new[::-1]
    one, other = means(new, old=old, labels=labels), means(old, old=new, labels=labels)

    for name, value in one.items():
        assert other[name] == pytest.approx(-value, abs=1e-12)
    assert one["nri"] == pytest.approx(one["nri_events"] + one["nri_non_events"], abs=1e-12)


def test_the_same_model_improves_nothing():
    assert set(means([0.1, 0.4], old=[0.1, 0.4], labels=[0, 1]).values()) == {0.0}
