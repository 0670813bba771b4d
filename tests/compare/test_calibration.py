"""Calibration tables: the numbers agree with R, which models have which measures, what is undefined by rule."""

import json

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE
from study import study_predictions
from study_folder import compare_params

from pipeline.compare.calibration import calibration_curve_table, calibration_table
from pipeline.compare.chosen import choose, fold_table
from pipeline.contracts.reports.compare import CALIBRATION, CALIBRATION_CURVES
from pipeline.foundation.tables import check_table
from pipeline.predictions.model_scores import id_hash, model_scores

EXPECTED = json.loads((REFERENCE / "expected" / "calibration.json").read_text())["models"]
PARAMS = compare_params()
KEY = ["feature_set", "model", "evaluation"]


def tables(predictions, params=PARAMS):
    models = model_scores(predictions, place="p.csv")
    chosen = choose(fold_table(predictions), models, primary=params.primary)
    found = (made(models, chosen=chosen, params=params) for made in (calibration_table, calibration_curve_table))
    calibration, curves = found
    check_table(calibration, CALIBRATION, place="calibration")
    check_table(curves, CALIBRATION_CURVES, place="curves")
    return calibration, curves, chosen


@pytest.fixture(scope="module")
def predictions():
    return pd.concat(study_predictions().values(), ignore_index=True)


@pytest.fixture(scope="module")
def made(predictions):
    return tables(predictions)


def alone(scores, labels):
    """One model of its own in an external evaluation."""
    ids = [f"{number:04d}" for number in range(len(scores))]
    own = {"patient_id": ids, "feature_set": "one", "model": "lr", "resample": "final", "evaluation": "external"}
    predictions = pd.DataFrame(own | {"label": labels, "score": scores, "threshold": 0.5})
    calibration, curves, _ = tables(predictions, compare_params(primary=None))
    return calibration.set_index("measure"), curves


def test_numbers_agree_with_r():
    wide = pd.read_csv(REFERENCE / "models.csv")
    found, curves = alone(wide["RF"], wide["y"])
    expected = EXPECTED["RF"]

    line, loess, test = (expected[key] for key in ("recalibration", "loess_degree2_span0.75", "hosmer_lemeshow"))
    values = {"intercept": line["intercept"], "slope": line["slope"], "observed_expected": expected["oe_ratio"]}
    values |= {"in_the_large": expected["calibration_in_the_large"]["estimate"], "log_loss": expected["logloss"]}
    values |= {"brier": expected["brier"], "scaled_brier": expected["brier_scaled"]}
    for measure, value in values.items():
        assert found.loc[measure, "estimate"] == pytest.approx(value, abs=1e-5), measure
    for measure, key in {"ici": "ICI", "e50": "E50", "e90": "E90"}.items():
        assert found.loc[measure, "estimate"] == pytest.approx(loess[key], abs=1e-6)
    for measure, key in {"hosmer_lemeshow": "chisq", "hosmer_lemeshow_p": "p"}.items():
        assert found.loc[measure, "estimate"] == pytest.approx(test["10"][key], abs=1e-8)
    for measure, interval in {"slope": "slope_profile_ci", "slope_wald": "slope_wald_ci"}.items():
        assert tuple(found.loc[measure, ["ci_low", "ci_high"]]) == pytest.approx(line[interval], abs=1e-5)
    groups = curves[curves["curve"] == "groups"]
    assert (groups["observed"] * groups["n"]).round().tolist() == test["10"]["observed_events"]


def test_test_evaluations_of_every_model_and_curves_of_the_chosen(made, predictions):
    calibration, curves, chosen = made
    tested = predictions[predictions["evaluation"] != "cv"]
    picked = set(zip(chosen["feature_set"], chosen["model"], strict=True))

    assert set(calibration[KEY].itertuples(index=False, name=None)) == set(
        tested[KEY].itertuples(index=False, name=None)
    )
    assert set(zip(curves["feature_set"], curves["model"], strict=True)) == picked
    assert set(curves["evaluation"]) == {"internal", "external"}
    ici = calibration[(calibration["measure"] == "ici") & calibration["estimate"].notna()]
    has = ici.dropna(subset="ci_low")
    assert set(zip(has["feature_set"], has["model"], strict=True)) == picked
    assert (has["ci_low"] > 0).all()
    patients = tested.loc[tested["evaluation"] == "external", "patient_id"].unique()
    assert set(calibration.loc[calibration["evaluation"] == "external", "id_hash"]) == {id_hash(patients)}


def test_every_interval_holds_its_estimate_and_names_its_method(made):
    calibration, curves, _ = made
    has = calibration.dropna(subset="ci_low")
    biased = has["measure"].isin(["ici", "e50", "e90"])  # noise adds to a distance

    assert (has["ci_method"] != "").all()
    assert has["ci_method"].notna().all()
    assert (has.loc[~biased, "ci_low"] <= has.loc[~biased, "estimate"]).all()
    assert (has.loc[~biased, "estimate"] <= has.loc[~biased, "ci_high"]).all()
    assert (curves["ci_low"] <= curves["observed"]).all()
    assert (curves["observed"] <= curves["ci_high"]).all()
    assert curves[["observed", "ci_low", "ci_high"]].stack().between(0, 1).all()


def test_groups_hold_five_patients_and_all_patients(made):
    groups = made[1][made[1]["curve"] == "groups"]
    sizes = groups.groupby(KEY)["n"]

    assert (sizes.sum().xs("external", level="evaluation") == 40).all()
    assert sizes.size().max() == 8  # 40 patients, 5 per group; ten groups are requested


@pytest.mark.parametrize("scores", [np.full(40, 0.3), np.where(np.arange(40) < 15, 0.8, 0.2)])
def test_constant_and_separating_probabilities_have_no_line_and_no_curve(scores):
    found, curves = alone(scores, (np.arange(40) < 15).astype(int))

    assert found.loc[["intercept", "slope", "slope_wald", "ici", "e50", "e90"], "estimate"].isna().all()
    assert found.loc[["in_the_large", "observed_expected", "brier", "log_loss"], "estimate"].notna().all()
    assert set(curves["curve"]) == {"groups"}


def test_an_evaluation_of_one_class_has_no_row(predictions):
    one = predictions[(predictions["evaluation"] != "internal") | (predictions["label"] == 0)]
    calibration, curves, _ = tables(one)

    assert set(calibration["evaluation"]) == set(curves["evaluation"]) == {"external"}
    only_cv = predictions[predictions["evaluation"] == "cv"]
    calibration, curves, _ = tables(only_cv, compare_params(primary=None))
    assert (len(calibration), len(curves)) == (0, 0)


def test_no_replicates_no_bootstrap_intervals(predictions):
    drawn = PARAMS.bootstrap.model_copy(update={"replicates": 0})
    calibration, _, _ = tables(predictions, PARAMS.model_copy(update={"bootstrap": drawn}))

    assert calibration.loc[calibration["measure"].isin(["brier", "log_loss", "ici"]), "ci_low"].isna().all()
    assert not calibration["ci_method"].fillna("").str.contains("bootstrap").any()


def test_ten_models_have_loess_distances_and_both_curves():
    rng = np.random.default_rng(0)
    label = (rng.uniform(size=300) < 0.3).astype(np.uint8)
    shared = {"patient_id": [f"{i:03d}" for i in range(300)], "label": label, "resample": "final", "model": "lr"}
    own = shared | {"evaluation": "external", "threshold": 0.5}
    table = pd.concat(pd.DataFrame(own | {"feature_set": f"s{k}", "score": rng.beta(1 + label, 2)}) for k in range(10))
    none = compare_params(primary=None)
    none = none.model_copy(update={"bootstrap": none.bootstrap.model_copy(update={"replicates": 0})})
    calibration, curves, _ = tables(table, none)

    assert calibration.loc[calibration["measure"] == "ici", "estimate"].notna().all()
    assert curves.groupby("feature_set")["curve"].nunique().tolist() == [2] * 10


def test_row_order_changes_no_digit(predictions, made):
    for one, other in zip(tables(predictions.sample(frac=1, random_state=3))[:2], made[:2], strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
