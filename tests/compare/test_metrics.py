"""metrics.csv: which measures a model has, which method each names, what is empty by rule."""

import numpy as np
import pandas as pd
import pytest
from study_folder import compare_params

from pipeline.compare.chosen import fold_table
from pipeline.compare.metrics import metric_table
from pipeline.contracts.reports.compare import METRICS
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import model_scores
from pipeline.statistics.auc_intervals import score_interval

PARAMS = compare_params(primary=None)
RNG = np.random.default_rng(0)
LABELS = (np.arange(60) < 20).astype(np.int64)
SCORES = np.clip(RNG.normal(0.4 + 0.2 * LABELS, 0.2), 0.01, 0.99)
AT_THRESHOLD = {"accuracy", "sensitivity", "specificity", "ppv", "npv", "ppv_at_prevalence", "npv_at_prevalence"}
AT_THRESHOLD |= {"no_information_rate", "no_information_p", "kappa", "mcc", "balanced_accuracy", "f1", "threshold"}
AT_THRESHOLD |= {"tp", "fp", "tn", "fn"}
RANKING = {"auc", "auc_plain", "average_precision", "partial_auc", "partial_auc_corrected", "brier"}


def metrics(scores=SCORES, labels=LABELS, *, params=PARAMS, **columns):
    ids = [f"P{number:02d}" for number in range(len(scores))]
    own = {"feature_set": "s", "model": "m", "resample": "final", "evaluation": "external", "threshold": 0.5} | columns
    table = pd.DataFrame({"patient_id": ids, "label": labels, "score": scores}).assign(**own)
    found = metric_table(model_scores(table, place="p.csv"), folds=fold_table(table), params=params)
    check_table(found, METRICS, place="metrics")
    return found.set_index("metric")


def test_a_model_with_a_threshold_has_every_measure():
    found = metrics()

    assert set(found.index) == RANKING | AT_THRESHOLD
    held = found.dropna(subset="ci_low")
    assert (held["ci_low"] <= held["estimate"]).all()
    assert (held["estimate"] <= held["ci_high"]).all()
    assert held["ci_method"].notna().all()
    for name in ("average_precision", "partial_auc", "partial_auc_corrected", "mcc", "balanced_accuracy", "f1"):
        assert found.loc[name, "ci_method"] == "bootstrap percentile, stratified"
        assert found.loc[name, "ci_low"] < found.loc[name, "ci_high"]


def test_without_a_threshold_or_a_prevalence_their_measures_are_absent():
    assert set(metrics(threshold=None).index) == RANKING
    natural = metrics(params=PARAMS.model_copy(update={"prevalence": None}))
    assert set(natural.index) == (RANKING | AT_THRESHOLD) - {"ppv_at_prevalence", "npv_at_prevalence"}


def test_no_replicates_remove_only_the_bootstrap_intervals():
    none = PARAMS.model_copy(update={"bootstrap": PARAMS.bootstrap.model_copy(update={"replicates": 0})})
    with_them, without = metrics(), metrics(params=none)

    pd.testing.assert_series_equal(with_them["estimate"], without["estimate"])
    drawn = with_them["ci_method"] == "bootstrap percentile, stratified"
    assert without.loc[drawn, ["ci_low", "ci_high", "ci_method"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(without[~drawn], with_them[~drawn])


def test_the_seed_changes_only_the_bootstrap():
    other = PARAMS.model_copy(update={"bootstrap": PARAMS.bootstrap.model_copy(update={"seed": 2})})

    pd.testing.assert_frame_equal(metrics(), metrics())
    assert metrics(params=other).loc["mcc", "ci_low"] != metrics().loc["mcc", "ci_low"]


@pytest.mark.parametrize(("scores", "auc"), [(LABELS * 0.8 + 0.1, 1.0), (0.9 - LABELS * 0.8, 0.0)])
def test_perfect_separation_has_a_score_interval_under_its_own_name(scores, auc):
    row = metrics(scores=scores).loc["auc"]

    assert row["estimate"] == auc
    assert "Newcombe" in row["ci_method"]
    assert (row["ci_low"], row["ci_high"]) == score_interval(auc, n_pos=20, n_neg=40)
    assert np.isnan(metrics(scores=scores).loc["auc_plain", "ci_low"])


def test_constant_scores_have_an_auc_of_one_half_and_a_score_interval():
    found = metrics(scores=np.full(60, 0.3))

    assert found.loc["auc", "estimate"] == 0.5
    assert found.loc["auc", "ci_low"] < 0.5 < found.loc["auc", "ci_high"]
    assert "Newcombe" in found.loc["auc", "ci_method"]
    assert found.loc["kappa", "estimate"] == 0
    assert np.isnan(found.loc["mcc", "estimate"])
    assert np.isnan(found.loc["balanced_accuracy", "ci_low"])


def test_other_models_have_the_logit_interval():
    assert metrics().loc["auc", "ci_method"] == "logit DeLong"


def test_a_curve_below_chance_has_no_corrected_partial_auc():
    worse = metrics(scores=1 - SCORES)

    assert worse.loc["partial_auc", "estimate"] >= 0
    assert worse.loc["partial_auc_corrected", ["estimate", "ci_low"]].isna().all()


def test_one_class_gives_an_empty_auc_and_nothing_else():
    found = metrics(labels=np.zeros(60, dtype=np.int64))

    assert set(found.index) == {"auc", "auc_plain"}
    assert found["estimate"].isna().all()


def test_one_patient_of_a_class_still_gives_a_table():
    found = metrics(labels=(np.arange(60) == 59).astype(np.int64))

    assert found.loc["auc", "estimate"] > 0
    assert found.loc["sensitivity", "estimate"] in (0.0, 1.0)


def test_cross_validation_has_three_ranking_measures():
    folds = np.where(np.arange(60) % 3 == 0, "cv-1-1", np.where(np.arange(60) % 3 == 1, "cv-1-2", "cv-1-3"))
    found = metrics(evaluation="cv", threshold=None, resample=folds)

    assert set(found.index) == {"auc", "auc_sd", "auc_pooled"}
    assert found.loc["auc", "ci_low"] < found.loc["auc", "estimate"] < found.loc["auc", "ci_high"]
    assert "approximate" in found.loc["auc_pooled", "ci_method"]
