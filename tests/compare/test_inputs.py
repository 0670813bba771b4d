"""What is compared: the named tables of a folder, or any other table; the stage's numbers agree with R."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from places import REFERENCE, ROOT
from study import study_predictions, write_predictions
from study_folder import compare_params, write_compare_params

from pipeline.compare.inputs import params_for, read_predictions
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.reports.compare import TABLES
from pipeline.foundation.errors import ParamsError, PipelineError, TableError
from pipeline.foundation.tables import read_table, write_table

EXPECTED = json.loads((REFERENCE / "expected" / "roc_models.json").read_text())
PAIRS = pd.read_csv(REFERENCE / "expected" / "delong_pairs_8classifiers.csv")
MODELS = list(dict.fromkeys([*PAIRS["model_1"], *PAIRS["model_2"]]))


def external_table(path, **columns):
    """The reference scores with the four required columns, and those given."""
    wide = pd.read_csv(REFERENCE / "models.csv", dtype={"patient_id": "str"})
    long = wide.melt(id_vars=["patient_id", "y"], value_vars=MODELS, var_name="model", value_name="score")
    long.rename(columns={"y": "label"}).assign(**columns).to_csv(path, index=False)
    return path


def stage(folder, predictions, params=None):
    params = params or write_compare_params(folder)
    command = [sys.executable, "-m", "stages.compare", "--predictions", str(predictions), "--params", str(params)]
    command += ["--tables", str(folder / "tables")]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def table(folder, name):
    return read_table(folder / "tables" / f"{name}.csv", TABLES[name])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    done = stage(folder, external_table(folder / "any.csv", threshold=EXPECTED["youden"]["LR"]["threshold"]))
    assert done.returncode == 0, done.stderr
    return folder, done.stderr


def test_four_columns_are_enough(tmp_path):
    done = stage(tmp_path, external_table(tmp_path / "any.csv"))

    assert done.returncode == 0, done.stderr
    metrics = table(tmp_path, "metrics")
    assert set(metrics["metric"]) == {
        *("auc", "auc_plain", "average_precision", "brier", "partial_auc", "partial_auc_corrected"),
    }
    assert set(metrics["evaluation"]) == {"external"}
    assert table(tmp_path, "mcnemar").empty  # no threshold, no calls
    assert "evaluation external: no threshold for 8 of 8 models, first " in done.stderr


def test_aucs_and_intervals_are_those_of_r(finished):
    metrics = table(finished[0], "metrics").set_index(["model", "metric"])

    for model in MODELS:
        expected = EXPECTED["single"][model]
        plain = metrics.loc[model, "auc_plain"]
        assert [plain["ci_low"], plain["estimate"], plain["ci_high"]] == pytest.approx(
            expected["ci95_delong"], abs=1e-9
        )
    counts = metrics.loc["LR"].loc[["tp", "fp", "tn", "fn"], "estimate"].tolist()
    assert counts == [EXPECTED["youden"]["LR"][name] for name in ("tp", "fp", "tn", "fn")]
    # caret: confusionMatrix(LR >= 0.238157, y, positive = "1")$overall
    assert metrics.loc[("LR", "kappa"), "estimate"] == pytest.approx(0.403194663858171, abs=1e-9)
    assert metrics.loc[("LR", "no_information_p"), "estimate"] == pytest.approx(0.579346858186952, abs=1e-9)
    # pROC: auc(r, partial.auc = c(1, 0.8)), then with partial.auc.correct = TRUE
    assert metrics.loc[("LR", "partial_auc"), "estimate"] == pytest.approx(0.0706012913640032, abs=1e-9)
    assert metrics.loc[("LR", "partial_auc_corrected"), "estimate"] == pytest.approx(0.640559142677787, abs=1e-9)


def test_pairs_and_omnibus_are_those_of_r(finished):
    delong = table(finished[0], "delong")
    sets = delong[delong["family"] == "sets at their CV-chosen classifier"].set_index(["model_a", "model_b"])

    assert len(sets) == len(PAIRS)
    for row in PAIRS.itertuples():
        known = (row.model_1, row.model_2) in sets.index
        ours = sets.loc[(row.model_1, row.model_2) if known else (row.model_2, row.model_1)]
        assert ours["z"] == pytest.approx(row.z if known else -row.z, abs=1e-7)
        assert ours[["p_value", "p_holm", "p_bh"]].tolist() == pytest.approx([row.p, row.holm, row.BH], abs=1e-9)
    omnibus = table(finished[0], "omnibus").set_index("family").loc["sets at their CV-chosen classifier"]
    expected = EXPECTED["omnibus_8classifiers"]
    assert (omnibus["chi2"], omnibus["p_value"]) == pytest.approx((expected["chisq"], expected["p"]), abs=1e-6)
    assert (omnibus["df"], omnibus["n_models"], omnibus["n"]) == (7, 8, 320)
    assert table(finished[0], "curves").groupby("curve")["model"].nunique().eq(8).all()


def test_absent_primary_sets_give_one_warning_and_change_nothing_else(finished):
    assert finished[1].count("no confirmatory comparison: neither combined nor clinical") == 1
    assert table(finished[0], "chosen")["role"].isna().all()


def test_a_typo_in_one_primary_set_is_not_ignored(tmp_path):
    predictions = external_table(tmp_path / "any.csv", feature_set="combined", model="lr").name
    frame = pd.read_csv(tmp_path / predictions).drop_duplicates("patient_id")
    params = compare_params()

    assert params_for(frame, params=params) == (params, None)
    assert params_for(frame.assign(feature_set="mine"), params=params)[0].primary is None


def test_an_evaluation_of_one_class_gives_a_warning(tmp_path):
    done = stage(tmp_path, external_table(tmp_path / "any.csv", label=1, threshold=0.5))

    assert done.returncode == 0, done.stderr
    assert "evaluation external: every patient has the label 1; no AUC, test or calibration" in done.stderr
    assert "no threshold" not in done.stderr
    assert table(tmp_path, "delong").empty


def test_sets_with_cross_validation_have_a_choice(tmp_path):
    own = pd.concat(study_predictions().values())
    own.to_csv(tmp_path / "own.csv", index=False)
    done = stage(tmp_path, tmp_path / "own.csv")

    assert done.returncode == 0, done.stderr
    assert set(table(tmp_path, "chosen")["role"].dropna()) == {"primary", "comparator"}


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("score", 1.5, "column 'score': 2560 values are not between 0 and 1"),
        ("score", None, "column 'score': 2560 empty values"),
        ("label", 2, "column 'label': 2560 values are not 0 or 1"),
        ("evaluation", "test", "column 'evaluation': 2560 values are not one of cv, internal, external"),
        ("treshold", 0.5, "column 'treshold' is not known"),
        ("feature_set", "mine", "has 8 classifiers and no cross-validation to choose by"),
    ],
)
def test_a_fault_gives_one_sentence(tmp_path, column, value, sentence):
    done = stage(tmp_path, external_table(tmp_path / "any.csv", **{column: value}))

    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_column_is_named(tmp_path):
    pd.DataFrame({"patient_id": ["1"], "label": [1], "score": [0.5]}).to_csv(tmp_path / "any.csv", index=False)

    with pytest.raises(TableError, match="column 'model' is missing"):
        read_predictions(tmp_path / "any.csv", fusion=None, embed=None)


def test_folder_gives_the_named_tables_and_skips_an_empty_head(tmp_path):
    write_predictions(tmp_path)
    lists = {"fusion": tmp_path / "fusion.yaml", "embed": tmp_path / "embed.yaml"}
    predictions = read_predictions(tmp_path, **lists)
    assert len(predictions) == sum(len(table) for table in study_predictions().values())

    empty = predictions.head(0)
    write_table(empty, tmp_path / "densenet121_head.csv", PREDICTIONS)
    assert set(read_predictions(tmp_path, **lists)["model"]) == {"lr", "rf", "knn"}

    with pytest.raises(ParamsError, match="--fusion and --embed"):
        read_predictions(tmp_path, fusion=None, embed=None)
    with pytest.raises(TableError, match=r"head\.csv: the file has no row under its header"):
        read_predictions(tmp_path / "densenet121_head.csv", fusion=None, embed=None)
    for path in tmp_path.glob("*.csv"):
        write_table(empty, path, PREDICTIONS)
    with pytest.raises(PipelineError, match="no prediction to compare; run the stage benchmark first"):
        read_predictions(tmp_path, **lists)
    (tmp_path / "clinical.csv").unlink()
    with pytest.raises(TableError, match=r"clinical\.csv: there is no such table"):
        read_predictions(tmp_path, **lists)
