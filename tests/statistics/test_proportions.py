"""Wilson intervals and threshold counts, held to R (epiR, binom) and to counting by hand."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import REFERENCE

from pipeline.statistics.calibration import brier
from pipeline.statistics.confusion import Confusion, confusion
from pipeline.statistics.proportions import wilson

MODELS = pd.read_csv(REFERENCE / "models.csv")
TABLES = json.loads((REFERENCE / "expected" / "tables_tests.json").read_text())
YOUDEN = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())["youden"]
EPI = {"sensitivity": "se", "specificity": "sp", "ppv": "pv.pos", "npv": "pv.neg", "accuracy": "diag.ac"}


@pytest.mark.parametrize("row", TABLES["proportion_ci"], ids=lambda row: f"{row['k']} of {row['n']}")
def test_wilson_equals_r(row):
    # R: Hmisc::binconf(k, n, method = "wilson") without its change at 1 and n - 1
    assert wilson(row["k"], row["n"])[1:] == pytest.approx(tuple(row["wilson"]), abs=1e-8)


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
    nobody = Confusion(tp=0, fp=0, tn=5, fn=3)

    assert np.isnan(nobody.proportions()["ppv"]).all()
    assert nobody.proportions()["sensitivity"].estimate == 0


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_interval_holds_its_estimate_and_mirrors(count):
    k, n = count
    low, high = wilson(k, n)[1:]

    assert 0 <= low <= k / n <= high <= 1
    assert wilson(n - k, n)[1:] == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_count_above_the_total_is_refused():
    with pytest.raises(ValueError, match=r"count \(5\)"):
        wilson(5, 4)


@pytest.mark.parametrize("scores", [[0.1, np.nan], [np.inf, 0.2], [0.1]])
def test_scores_that_are_none_are_refused(scores):
    for measure in (brier, partial(confusion, threshold=0.5)):
        with pytest.raises(ValueError, match="score"):
            measure(scores, labels=[0, 1])


def test_brier_by_hand():
    assert brier([0.9, 0.2], labels=np.array([1, 0], dtype=np.uint8)) == pytest.approx((0.01 + 0.04) / 2)
