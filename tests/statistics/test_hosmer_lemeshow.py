"""Groups by risk and the Hosmer-Lemeshow test, validated against R."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import REFERENCE

from pipeline.statistics.hosmer_lemeshow import hosmer_lemeshow, risk_groups
from pipeline.statistics.proportions import wilson

MODELS = pd.read_csv(REFERENCE / "models.csv")
EXPECTED = json.loads((REFERENCE / "expected" / "calibration.json").read_text())["models"]
LABELS = MODELS["y"]


@pytest.mark.parametrize("groups", [5, 8, 10])
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_equals_r(name, groups):
    expected = EXPECTED[name]["hosmer_lemeshow"][str(groups)]
    found = hosmer_lemeshow(MODELS[name], labels=LABELS, groups=groups)
    table = risk_groups(MODELS[name], labels=LABELS, groups=groups)

    assert found == pytest.approx((expected["chisq"], expected["df"], expected["p"]), abs=1e-8)
    assert table["events"].tolist() == expected["observed_events"]
    assert table["n"].tolist() == expected["n"]
    assert table["expected"].to_numpy() == pytest.approx(expected["expected_events"], abs=1e-5)


def test_ties_stay_together_as_in_r():
    # k <- round(Fused, 1); bins <- cut(k, unique(quantile(k, 0:10 / 10)), include.lowest = TRUE): six bins
    rounded = MODELS["Fused"].round(1)
    found = hosmer_lemeshow(rounded.clip(1e-6), labels=LABELS)

    assert risk_groups(rounded, labels=LABELS)["n"].tolist() == [111, 72, 57, 34, 29, 17]
    assert (found.chi2, found.df) == (pytest.approx(7.53063036029805, abs=1e-4), 4)


def test_a_model_of_other_patients_spends_no_degree_of_freedom():
    fitted, other = (hosmer_lemeshow(MODELS["LR"], labels=LABELS, fitted=value) for value in (True, False))
    assert fitted.chi2 == other.chi2
    assert (fitted.df, other.df) == (8, 10)
    assert other.p_value > fitted.p_value


def test_a_group_by_hand():
    table = risk_groups([0.1, 0.2, 0.6, 0.7], labels=[0, 1, 0, 1], groups=2)

    assert table["predicted"].to_numpy() == pytest.approx([0.15, 0.65])
    assert table["expected"].to_numpy() == pytest.approx([0.3, 1.3])
    assert tuple(table.loc[0, ["observed", "ci_low", "ci_high"]]) == wilson(1, 2)


@given(st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.7, 0.9, 1.0]), min_size=4, max_size=60), st.integers(1, 12))
def test_every_patient_is_in_one_group(scores, groups):
    labels = np.arange(len(scores)) % 2
    table = risk_groups(scores, labels=labels, groups=groups)

    assert table["n"].sum() == len(scores)
    assert table["n"].min() >= 1
    assert len(table) <= groups
    assert table["events"].sum() == labels.sum()
    assert table["predicted"].is_monotonic_increasing


def test_fewer_than_three_bins_have_no_test():
    found = hosmer_lemeshow([0.3] * 4, labels=[0, 1, 0, 1])

    assert len(risk_groups([0.3] * 4, labels=[0, 1, 0, 1])) == 1
    assert np.isnan([found.chi2, found.p_value]).all()
    with pytest.raises(ValueError, match=r"groups \(0\)"):
        risk_groups([0.1, 0.2], labels=[0, 1], groups=0)
