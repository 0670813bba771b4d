"""The choice by cross-validation alone, agreement of the tables with R, the stage, what is refused."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from places import REFERENCE, ROOT
from study import STRENGTH, study_predictions, write_predictions
from study_folder import compare_params, write_compare_params

from pipeline.compare.chosen import choose, fold_table, summary_json
from pipeline.compare.delong import delong_table
from pipeline.compare.metrics import metric_table
from pipeline.contracts.reports.compare import CHOSEN, DELONG, FOLDS, METRICS, TABLES
from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import id_hash, model_scores

NAMES = {"feature_set": "combined", "comparator": "clinical", "evaluation": "external"}
PARAMS = compare_params(primary=NAMES).model_copy(update={"all_pairs": True})
NONE = compare_params(primary=None)


@pytest.fixture(scope="module")
def predictions():
    return pd.concat(study_predictions().values(), ignore_index=True)


def compared(predictions, params=PARAMS):
    models = model_scores(predictions, place="p.csv")
    folds = fold_table(predictions)
    chosen = choose(folds, models, primary=params.primary)
    return (
        metric_table(models, folds=folds, params=params),
        folds,
        chosen,
        delong_table(models, chosen=chosen, params=params),
    )


@pytest.fixture(scope="module")
def tables(predictions):
    return compared(predictions)


def from_r(feature_set="reference"):
    """The reference scores as a predictions table, as an external evaluation at threshold 0.25."""
    wide = pd.read_csv(REFERENCE / "models.csv", dtype={"patient_id": "str"})
    pairs = pd.read_csv(REFERENCE / "expected" / "delong_pairs_8classifiers.csv")
    names = list(dict.fromkeys([*pairs["model_1"], *pairs["model_2"]]))
    long = wide.melt(id_vars=["patient_id", "y"], value_vars=names, var_name="model", value_name="score")
    own = {"feature_set": feature_set, "resample": "final", "evaluation": "external", "threshold": 0.25}
    return long.rename(columns={"y": "label"}).assign(**own), pairs


def one_metric(metrics, *key):
    return metrics.set_index(["feature_set", "model", "evaluation", "metric"]).loc[key]


def test_numbers_agree_with_r():
    long, pairs = from_r()
    models = model_scores(long, place="r.csv")
    chosen = pd.DataFrame({"feature_set": ["reference"], "model": ["LR"], "kind": ["classifier"]})

    delong = delong_table(models, chosen=chosen, params=NONE)
    metrics = metric_table(models, folds=fold_table(long), params=NONE)

    found = delong.set_index(["model_a", "model_b"])
    for row in pairs.itertuples():
        known = (row.model_1, row.model_2) in found.index
        ours = found.loc[(row.model_1, row.model_2) if known else (row.model_2, row.model_1)]
        assert ours["z"] == pytest.approx(row.z if known else -row.z, abs=1e-7)
        assert ours["p_value"] == pytest.approx(row.p, abs=1e-9)
        assert ours["p_holm"] == pytest.approx(row.holm, abs=1e-9)
        assert ours["p_bh"] == pytest.approx(row.BH, abs=1e-9)
    assert set(delong["family"]) == {"classifiers within reference"}
    expected = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())["single"]["LR"]
    plain = one_metric(metrics, "reference", "LR", "external", "auc_plain")
    assert (plain["ci_low"], plain["estimate"], plain["ci_high"]) == pytest.approx(expected["ci95_delong"], abs=1e-9)
    assert [one_metric(metrics, "reference", "LR", "external", n)["estimate"] for n in ("tp", "fp", "fn", "tn")] == [
        58,
        59,
        26,
        177,
    ]


def test_cross_validation_gives_ranking_metrics_only(tables):
    metrics, folds, _, _ = tables
    cv = metrics[metrics["evaluation"] == "cv"]
    own = folds[(folds["feature_set"] == "clinical") & (folds["model"] == "lr")]

    assert set(cv["metric"]) == {"auc", "auc_sd", "auc_pooled"}
    assert len(own) == 6
    auc = one_metric(metrics, "clinical", "lr", "cv", "auc")
    assert auc["estimate"] == pytest.approx(own["auc"].mean(), abs=1e-15)
    assert "Nadeau" in auc["ci_method"]
    # Six folds of 20 of the 60 patients: t of 5 degrees of freedom, and n_test / n_train = 20 / 40.
    half = 2.570581835636314 * (own["auc"].std(ddof=1) ** 2 * (1 / 6 + 20 / 40)) ** 0.5
    assert auc["ci_high"] - auc["estimate"] == pytest.approx(half)
    assert "approximate" in one_metric(metrics, "clinical", "lr", "cv", "auc_pooled")["ci_method"]


def test_every_row_names_its_patients(tables, predictions):
    metrics = tables[0]
    patients = predictions.loc[predictions["evaluation"] == "external", "patient_id"].unique()
    external = metrics[metrics["evaluation"] == "external"]

    assert set(external["id_hash"]) == {id_hash(patients)}
    assert set(external["n_pos"]) == {12}
    assert set(external["n_neg"]) == {28}
    assert metrics.groupby("evaluation")["id_hash"].nunique().eq(1).all()
    assert metrics["id_hash"].nunique() == 3


def test_choice_uses_no_test_patient(predictions, tables):
    ruined = predictions.copy()
    test = ruined["evaluation"] != "cv"
    ruined.loc[test, "score"] = np.random.default_rng(0).uniform(size=int(test.sum()))

    pd.testing.assert_frame_equal(compared(ruined)[2], tables[2])


def test_choice_is_by_mean_then_sd_then_name(predictions):
    models = model_scores(predictions, place="p.csv")
    rows = [("clinical", "lr", "f1", 0.6), ("clinical", "lr", "f2", 0.8), ("clinical", "rf", "f1", 0.7)]
    rows += [("clinical", "rf", "f2", 0.7), ("clinical", "knn", "f1", 0.5), ("clinical", "knn", "f2", 0.5)]
    one = [model for model in models if model.feature_set == "clinical"]
    folds = pd.DataFrame(rows, columns=["feature_set", "model", "resample", "auc"])

    assert choose(folds, one, primary=None)["model"].tolist() == ["rf"]
    equal = folds.assign(auc=0.7)
    assert choose(equal, one, primary=None)["model"].tolist() == ["knn"]


def test_a_head_has_a_row_of_its_own(tables):
    chosen = tables[2].set_index(["feature_set", "model"])

    assert chosen.loc[("densenet121", "densenet121_head"), "kind"] == "head"
    assert (chosen["kind"] == "classifier").groupby("feature_set").sum().to_dict() == dict.fromkeys(STRENGTH, 1)
    assert chosen["role"].dropna().to_dict().keys() >= {("combined", chosen.loc["combined"].index[0])}


def test_an_evaluation_of_one_class_is_empty(predictions):
    internal = predictions[(predictions["evaluation"] != "internal") | (predictions["label"] == 0)]
    metrics, _, _, delong = compared(internal)

    row = one_metric(metrics, "clinical", "lr", "internal", "auc")
    assert np.isnan(row["estimate"])
    assert (row["n_pos"], row["n_neg"]) == (0, 21)
    assert "internal" not in set(delong["evaluation"])


def test_a_missing_evaluation_is_an_error_only_if_it_is_the_primary_one(predictions):
    without = predictions[predictions["evaluation"] != "internal"]
    assert set(compared(without)[0]["evaluation"]) == {"cv", "external"}

    with pytest.raises(PipelineError, match=r"'primary.evaluation' names external.*the data hold cv, internal"):
        compared(predictions[predictions["evaluation"] != "external"])
    with pytest.raises(PipelineError, match=r"'primary.comparator' names the set clinical"):
        compared(predictions[predictions["feature_set"] != "clinical"])
    assert compared(predictions[predictions["evaluation"] == "cv"], NONE)[3]["evaluation"].eq("cv").all()


def test_all_faults_of_the_primary_comparison_are_listed_together(predictions):
    wrong = compare_params(primary={"feature_set": "fused", "comparator": "deep", "evaluation": "external"})
    with pytest.raises(PipelineError, match="3 values do not fit these data") as raised:
        compared(predictions[predictions["evaluation"] != "external"], wrong)

    keys = [line.split("'")[1] for line in str(raised.value).splitlines()[1:]]
    assert keys == ["primary.feature_set", "primary.comparator", "primary.evaluation"]


def test_several_classifiers_without_cross_validation_are_refused(predictions):
    with pytest.raises(PipelineError, match="no cross-validation to choose by"):
        compared(predictions[predictions["evaluation"] != "cv"])


def test_a_cross_validation_of_one_label_is_not_reported_missing(predictions):
    held_out = predictions["evaluation"] == "cv"
    first = predictions.loc[held_out, "resample"].min()
    one = predictions[~held_out | (predictions["label"] == 1)]
    apart = predictions[~held_out | (predictions["label"] == (predictions["resample"] == first))]

    with pytest.raises(PipelineError, match="evaluation cv, where every fold holds patients of the label 1 only"):
        compared(one)
    with pytest.raises(PipelineError, match="evaluation cv, where every fold holds patients of one label only"):
        compared(apart)


def test_row_order_changes_no_digit(predictions, tables, tmp_path):
    shuffled = compared(predictions.sample(frac=1, random_state=3))
    for contract, one, other in zip(
        (METRICS, FOLDS, CHOSEN, DELONG),
        tables,
        shuffled,
        strict=True,
    ):
        write_table(one, tmp_path / "a.csv", contract)
        write_table(other, tmp_path / "b.csv", contract)
        assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_summary_is_the_primary_comparison(tables):
    metrics, _, chosen, delong = tables
    primary = json.loads(summary_json(metrics, delong=delong, chosen=chosen))["primary"]

    assert primary["n"] == 40
    assert primary["auc_ci_low"] < primary["auc"] < primary["auc_ci_high"]
    assert primary["auc"] - primary["auc_comparator"] == pytest.approx(primary["difference"])
    assert summary_json(metrics, delong=delong, chosen=chosen.assign(role=None)) == "{}\n"


def test_all_pairs_of_ten_models_are_tested():
    rng = np.random.default_rng(0)
    n = 200
    ids = [f"{i:03d}" for i in range(n)]
    label = (rng.uniform(size=n) < 0.3).astype(np.uint8)
    shared = {"resample": "final", "evaluation": "external", "threshold": 0.5, "patient_id": ids, "label": label}
    table = pd.concat(
        pd.DataFrame(shared | {"feature_set": f"s{k}", "model": "lr", "score": rng.beta(1 + label, 2)})
        for k in range(10)
    )
    delong = compared(table, NONE.model_copy(update={"all_pairs": True}))[3]

    assert (delong["family"] == "all pairs").sum() == 45


def command(folder, params):
    paths = {"params": params, "fusion": folder / "fusion.yaml", "embed": folder / "embed.yaml", "predictions": folder}
    paths |= {"tables": folder / "tables", "metrics": folder / "metrics.json"}
    flags = [word for name, path in paths.items() for word in (f"--{name}", str(path))]
    return subprocess.run(
        [sys.executable, "-m", "stages.compare", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_stage_writes_every_table(tmp_path):
    write_predictions(tmp_path)
    done = command(tmp_path, write_compare_params(tmp_path))

    assert done.returncode == 0, done.stderr
    metrics = read_table(tmp_path / "tables" / "metrics.csv", METRICS)
    benefit = ("calibration", "calibration_curves", "decision_curves", "added_value")
    for name in ("folds", "omnibus", "delong", "mcnemar", "transport", "curves", *benefit):
        assert len(read_table(tmp_path / "tables" / f"{name}.csv", TABLES[name]))
    chosen = read_table(tmp_path / "tables" / "chosen.csv", CHOSEN)
    model = chosen.loc[chosen["role"] == "primary", "model"].iloc[0]
    auc = one_metric(metrics, "combined", model, "external", "auc")["estimate"]
    assert json.loads((tmp_path / "metrics.json").read_text())["primary"]["auc"] == auc


def test_wrong_params_give_one_sentence(tmp_path):
    params = tmp_path / "compare.yaml"
    params.write_text((ROOT / "params" / "compare.yaml").read_text().replace(": external ", ": extern "))
    done = command(tmp_path, params)

    assert done.returncode == 1
    assert "key 'primary.evaluation' has the value 'extern'" in done.stderr
    assert "Traceback" not in done.stderr
    params.write_text((ROOT / "params" / "compare.yaml").read_text().replace(": clinical ", ": combined "))
    with pytest.raises(ParamsError, match="it is the primary set"):
        load_params(params, CompareParams)
