"""reports/verify.R on the small study: R agrees with every table of the comparison, and names what differs."""

import shutil
import subprocess
from functools import cache

import pandas as pd
import pytest
from places import ROOT
from study import study_predictions, write_predictions
from study_folder import write_results

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.foundation.tables import write_table

SCRIPT = ROOT / "reports" / "verify.R"


@cache
def reason_to_skip():
    """Why R is not available, or None."""
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    asked = subprocess.run(["Rscript", "-e", "library(pROC)"], capture_output=True, check=False)
    return None if asked.returncode == 0 else "R's package pROC is not installed"


def verify(*places, script=SCRIPT):
    command = ["Rscript", str(script), *(str(place) for place in places)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def edge_cases():
    """A set of its own: a perfect model, its copy, a constant one."""
    rows = study_predictions()["clinical"].query("model == 'lr'").assign(feature_set="edge")
    perfect = rows.assign(model="perfect", score=0.1 + 0.8 * rows["label"])
    copy, constant = perfect.assign(model="copy"), rows.assign(model="constant", score=0.5)
    return pd.concat([perfect, copy, constant], ignore_index=True)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A folder as a project is laid out: data/predictions, reports/tables, reports/verify.R."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("study")
    predictions = folder / "data" / "predictions"
    predictions.mkdir(parents=True)
    write_predictions(predictions)
    tables = study_predictions() | {"edge": edge_cases()}
    write_table(tables["edge"], predictions / "edge.csv", PREDICTIONS)
    write_table(tables["edge"].head(0), predictions / "frozen_head.csv", PREDICTIONS)
    write_results(pd.concat(tables.values(), ignore_index=True), folder / "reports" / "tables")
    shutil.copy(SCRIPT, folder / "reports")
    return folder


def test_every_number_agrees_perfect_constant_and_equal_models_too(study):
    done = verify(script=study / "reports" / "verify.R")
    out = done.stdout.splitlines()

    assert done.returncode == 0, done.stderr
    assert [line.partition(":")[0] for line in out[1:6]] == [
        *("folds.csv", "metrics.csv", "delong.csv", "transport.csv"),
        "shap_groups.csv",
    ]
    assert out[0].startswith("R version")
    assert out[-1].startswith("All ")
    methods = set(pd.read_csv(study / "reports" / "tables" / "metrics.csv")["ci_method"].dropna())
    assert any(method.startswith("Newcombe score") for method in methods)


@pytest.mark.parametrize(
    ("table", "column", "message"),
    [
        ("delong", "p_holm", "p_holm is"),
        ("metrics", "ci_low", "ci_low is"),
        ("folds", "auc", "auc is"),
        ("transport", "t", "t is"),
        ("shap_groups", "mean_abs", "mean_abs is"),
    ],
)
def test_an_altered_number_stops_it_and_is_named(study, tmp_path, table, column, message):
    tables = tmp_path / "tables"
    shutil.copytree(study / "reports" / "tables", tables)
    content = pd.read_csv(tables / f"{table}.csv")
    chosen = content.index[content[column].between(0.01, 0.99) & (content.get("metric", "auc") == "auc")][0]
    content.loc[chosen, column] += 2e-6
    content.to_csv(tables / f"{table}.csv", index=False)
    done = verify(study / "data" / "predictions", tables)

    assert done.returncode == 1
    assert done.stderr.startswith("1 of ")
    assert f"{table}.csv" in done.stderr
    assert message in done.stderr


def test_what_is_missing_is_named_in_a_sentence(study, tmp_path):
    for places, message in (
        ((tmp_path / "none", tmp_path), "there is no such file or folder of predictions"),
        ((study / "data" / "predictions", tmp_path), "run the stage compare first"),
        ((study / "data" / "predictions" / "clinical.csv", study / "reports" / "tables"), "no predictions of"),
    ):
        done = verify(*places)

        assert done.returncode == 1
        assert message in done.stderr


def test_a_patient_scored_twice_is_named(study, tmp_path):
    predictions = tmp_path / "predictions"
    shutil.copytree(study / "data" / "predictions", predictions)
    shutil.copy(predictions / "clinical.csv", predictions / "clinical_old.csv")
    done = verify(predictions, study / "reports" / "tables")

    assert done.returncode == 1
    assert "is scored twice by clinical/" in done.stderr
