"""DeLong's tests: paired, unpaired and of k models at once, validated against pROC and under the null hypothesis."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE
from scipy.stats import kstest

from pipeline.statistics.auc_tests import omnibus_test, paired_tests, unpaired_test
from pipeline.statistics.multiplicity import benjamini_hochberg, holm
from pipeline.statistics.roc import placements

MODELS = pd.read_csv(REFERENCE / "models.csv")
EXPECTED = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())
PAIRS = pd.read_csv(REFERENCE / "expected" / "delong_pairs_8classifiers.csv")
CLASSIFIERS = list(dict.fromkeys([*PAIRS["model_1"], *PAIRS["model_2"]]))
ALL = MODELS[CLASSIFIERS].to_numpy().T


def test_paired_tests_equal_proc():
    # pROC: roc.test(r1, r2, paired = TRUE, method = "delong"); p.adjust(p, "holm"); p.adjust(p, "BH")
    placed = placements(ALL, labels=MODELS["y"])
    pairs = [(CLASSIFIERS.index(a), CLASSIFIERS.index(b)) for a, b in PAIRS[["model_1", "model_2"]].to_numpy()]

    found = paired_tests(placed, pairs=pairs)

    np.testing.assert_allclose(found["z"], PAIRS["z"], atol=1e-7, rtol=0)
    for ours, theirs in {"p_value": "p", "difference": "diff", "ci_low": "ci_lo", "ci_high": "ci_hi"}.items():
        np.testing.assert_allclose(found[ours], PAIRS[theirs], atol=1e-9, rtol=0)
    np.testing.assert_allclose(holm(found["p_value"]), PAIRS["holm"], atol=1e-9, rtol=0)
    np.testing.assert_allclose(benjamini_hochberg(found["p_value"]), PAIRS["BH"], atol=1e-9, rtol=0)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int64", "float32", "bool", "object", "str", "Int64", "boolean", "category"]
)
def test_labels_of_any_dtype_give_the_same_test(dtype):
    scores = MODELS[["LR", "SVM"]].to_numpy().T
    labels = MODELS["y"].astype(bool) if dtype in ("bool", "boolean") else MODELS["y"]

    found = paired_tests(placements(scores, labels=labels.astype(dtype)), pairs=[(0, 1)])

    assert found["p_value"].iloc[0] == pytest.approx(0.125987804074427, abs=1e-9)


@pytest.mark.parametrize("change", [lambda s: s, lambda s: s**3, np.log1p])
def test_models_that_rank_identically_give_z_0_and_p_1(change):
    scores = MODELS["RF"].to_numpy()
    row = paired_tests(placements([scores, change(scores)], labels=MODELS["y"]), pairs=[(0, 1)]).iloc[0]

    assert (row["z"], row["p_value"], row["ci_low"], row["ci_high"]) == (0.0, 1.0, 0.0, 0.0)


def test_aucs_that_differ_without_variance_have_no_test():
    placed = placements([[9, 8, 7, 3, 2, 1], [1, 1, 1, 1, 1, 1]], labels=[1, 1, 1, 0, 0, 0])
    row = paired_tests(placed, pairs=[(0, 1)]).iloc[0]

    assert row["difference"] == 0.5
    assert row[["z", "p_value", "ci_low", "ci_high"]].isna().all()
    assert np.isnan(omnibus_test(placed).p_value)


def site(name, *, rest=False):
    rows = MODELS[(MODELS["site"] == name) != rest]
    return placements(rows["LR"], labels=rows["y"])


def test_unpaired_test_equals_proc():
    # pROC: roc.test(roc at site A, roc at the other sites, paired = FALSE, method = "delong")
    expected = EXPECTED["unpaired_siteA_vs_rest_LR"]
    found = unpaired_test(site("A"), site("A", rest=True))

    assert found.t == pytest.approx(expected["statistic"], abs=1e-8)
    assert found.df == pytest.approx(expected["df"], abs=1e-8)
    assert found.p_value == pytest.approx(expected["p"], abs=1e-8)
    assert (found.auc_a, found.auc_b) == pytest.approx(tuple(expected["estimate"]), abs=1e-8)
    # t · SE is the difference, and the interval extends qt(0.975, df) = 1.968184 (R) SEs to both sides.
    assert found.ci_high - found.difference == pytest.approx(1.96818394065708 * found.difference / found.t, abs=1e-8)


def test_unpaired_test_without_variance_is_undefined():
    alone = placements([3, 2, 1], labels=[1, 0, 0])
    whole = placements([4, 3, 2, 1], labels=[1, 1, 0, 0])

    for found in (unpaired_test(alone, site("A")), unpaired_test(whole, whole)):
        assert np.isnan([found.t, found.df, found.p_value, found.ci_low, found.ci_high]).all()
        assert found.difference == pytest.approx(found.auc_a - found.auc_b)


def test_omnibus_test_equals_the_quadratic_form_of_proc():
    # R: L %*% theta, S from pROC's var and cov; t(d) %*% solve(L S L') %*% d; pchisq(x, 7, lower.tail = FALSE)
    expected = EXPECTED["omnibus_8classifiers"]
    for order in (ALL, ALL[::-1]):
        found = omnibus_test(placements(order, labels=MODELS["y"]))
        assert found.chi2 == pytest.approx(expected["chisq"], abs=1e-6)
        assert found.df == expected["df"]
        assert found.p_value == pytest.approx(expected["p"], abs=1e-6)


def test_omnibus_test_of_two_models_is_the_paired_test():
    placed = placements(ALL[:2], labels=MODELS["y"])
    z = paired_tests(placed, pairs=[(0, 1)])["z"].iloc[0]

    assert omnibus_test(placed).chi2 == pytest.approx(z**2, abs=1e-9)


def test_a_model_counted_twice_adds_no_degree_of_freedom():
    once = omnibus_test(placements(ALL[:4], labels=MODELS["y"]))
    twice = omnibus_test(placements([*ALL[:4], ALL[1], ALL[3] ** 3], labels=MODELS["y"]))

    assert twice.df == once.df == 3
    assert twice.chi2 == pytest.approx(once.chi2, abs=1e-9)
    alike = omnibus_test(placements([ALL[0], ALL[0], np.exp(ALL[0])], labels=MODELS["y"]))
    assert (alike.chi2, alike.df, alike.p_value) == (0.0, 0, 1.0)


def test_too_few_patients_for_the_models_have_no_omnibus_test():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=(6, 30))
    few = omnibus_test(placements(scores, labels=np.arange(30) < 10))
    one = omnibus_test(placements(scores, labels=np.arange(30) < 1))

    assert np.isnan([few.chi2, few.p_value, one.chi2, one.p_value]).all()
    assert few.df == 5
    assert omnibus_test(placements(scores, labels=np.arange(30) < 11)).p_value < 1


def test_p_values_are_uniform_under_the_null():
    # Four models with a common signal and independent noise, 60 events and 90 non-events.
    rng = np.random.default_rng(0)
    labels = np.arange(150) < 60
    p_values = []
    for _ in range(400):
        scores = labels + rng.normal(size=150) + rng.normal(size=(4, 150))
        p_values.append(omnibus_test(placements(scores, labels=labels)).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.01


def test_a_study_without_differences_has_no_significant_pair_after_holm():
    # Five equally good models, ten pairs each: about one study in twenty may give a false positive, not one in four.
    rng = np.random.default_rng(0)
    labels = np.arange(120) < 40
    pairs = [(a, b) for a in range(5) for b in range(a)]
    plain = corrected = 0
    for _ in range(300):
        scores = labels + rng.normal(size=120) + rng.normal(size=(5, 120))
        p_values = paired_tests(placements(scores, labels=labels), pairs=pairs)["p_value"]
        plain += p_values.min() < 0.05
        corrected += holm(p_values).min() < 0.05
    assert corrected / 300 < 0.08
    assert plain / 300 > 0.2
