"""Nested CV: where tuning happens, which patients are scored; nothing depends on test rows or the number of workers."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from classifier_rows import MODELS
from places import ROOT
from reduced_tables import study
from sklearn.metrics import roc_auc_score

from pipeline.benchmark import nested_cv as benchmark
from pipeline.benchmark.design_matrices import design_matrices, inner_folds
from pipeline.benchmark.model_files import load_model
from pipeline.benchmark.nested_cv import (
    BenchmarkParams,
    Case,
    benchmark_cases,
    benchmark_set,
    case_seed,
    fit_case,
    fit_cases,
    tune,
)
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.reduce import REDUCED, SELECTED
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.tables import check_table, read_table, write_table
from pipeline.predictions.operating_point import freeze, operating_points

SHIPPED = read_yaml(ROOT / "params" / "benchmark.yaml")
LIGHT = {"trees": 10, "tuning_trees": 10, "boosting_rounds": 10, "mlp_epochs": 20}
PARAMS = BenchmarkParams.model_validate(SHIPPED | LIGHT)
FEW = BenchmarkParams.model_validate(SHIPPED | LIGHT | {"classifiers": ["lr", "knn"]})


def run(tables, *, params=FEW, seed=1, workers=1):
    return benchmark_set(*tables, params=params, seed=seed, feature_set="demo", workers=workers)


def test_every_patient_has_one_score_from_every_model():
    tables = study(parts=("a", "b"))
    raw = run(tables, params=PARAMS)
    frozen = freeze(raw)
    check_table(frozen, PREDICTIONS, place="predictions")
    _, patients, splits = tables
    tested = splits[splits["role"] != "train"]
    expected = set(zip(tested["resample"], tested["patient_id"], tested["role"], strict=True))
    labels = dict(zip(patients["patient_id"], patients["label"], strict=True))
    assert set(raw["model"]) == set(MODELS)
    for _, rows in frozen.groupby("model"):
        assert set(zip(rows["resample"], rows["patient_id"], rows["evaluation"], strict=True)) == expected
        assert len(rows) == len(expected)
    assert frozen["label"].tolist() == [labels[patient] for patient in frozen["patient_id"]]


def test_threshold_is_one_for_internal_and_external():
    frozen = freeze(run(study()))
    test = frozen[frozen["resample"] == "final"]
    assert set(test["evaluation"]) == {"internal", "external"}
    assert (test.groupby("model")["threshold"].nunique() == 1).all()
    assert frozen.loc[frozen["evaluation"] == "cv", "threshold"].isna().all()


def test_score_is_the_mean_of_the_parts():
    reduced, patients, splits = study(parts=("a", "b"))
    raw = run((reduced, patients, splits)).set_index(["model", "resample", "patient_id"])["score"]
    designs = [d for d in design_matrices(reduced, patients, splits) if d.resample == "final"]
    fits = [fit_case(Case(design=d, model="lr"), params=FEW, seed=1, feature_set="demo") for d in designs]
    mean = (np.array(fits[0].scores) + np.array(fits[1].scores)) / 2
    np.testing.assert_allclose(raw.loc["lr", "final"].loc[list(designs[0].test_ids)], mean, atol=1e-15)
    assert fits[0].scores != fits[1].scores


def test_signal_is_found():
    raw = run(study(n_train=120, n_internal=100, effect=2.0), params=PARAMS)
    final = raw[raw["evaluation"] == "internal"]
    for model, rows in final.groupby("model"):
        assert roc_auc_score(rows["label"], rows["score"]) > 0.85, model


def test_noise_stays_noise():
    aucs = []
    for seed in range(5):
        tables = study(n_train=100, n_internal=400, n_external=0, features=20, effect=0.0, folds=0, seed=seed)
        raw = run(tables, params=PARAMS, seed=seed)
        aucs += [roc_auc_score(rows["label"], rows["score"]) for _, rows in raw.groupby("model")]
    assert len(aucs) == 5 * len(MODELS)
    assert 0.45 < np.mean(aucs) < 0.55


def cases_of(tables, *, params=FEW):
    return benchmark_cases(design_matrices(*tables), params=params)


def test_garbage_in_test_rows_changes_no_training_artefact():
    reduced, patients, splits = study(parts=("a", "b"))
    garbage, rng = reduced.copy(), np.random.default_rng(0)
    test = garbage["role"].isin(["internal", "external"])
    names = [name for name in reduced if name.startswith("f")]
    garbage.loc[test, names] = rng.normal(size=(int(test.sum()), len(names))) * 1e6
    relabelled = patients.assign(label=patients["label"].where(patients["cohort"] == "train", 1 - patients["label"]))
    results = []
    for tables in ((reduced, patients, splits), (garbage, relabelled, splits)):
        cases = cases_of(tables, params=PARAMS)
        fits = list(fit_cases(cases, params=PARAMS, seed=1, feature_set="demo", workers=1))
        raw = benchmark.raw_scores(cases, fits, patients=tables[1], splits=splits, feature_set="demo")
        trained = [(c.name, fit.content, fit.value, fit.inner_auc) for c, fit in zip(cases, fits, strict=True)]
        results.append((trained, operating_points(raw), raw[raw["evaluation"] == "cv"].to_csv(), raw["score"].tolist()))
    assert results[0][:3] == results[1][:3]
    assert results[0][3] != results[1][3], "without different test scores this test shows nothing"
    assert sum(content is not None for _, content, _, _ in results[0][0]) == 2 * len(MODELS)


def test_order_of_rows_and_columns_does_not_matter():
    reduced, patients, splits = study()
    params = PARAMS.model_copy(update={"classifiers": ("svm", "mlp", "rf", "lightgbm")})
    shuffled = reduced.sample(frac=1, random_state=1)[list(reduced.columns[::-1])]
    mixed = (shuffled, patients.sample(frac=1, random_state=2), splits.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(
        run((reduced, patients, splits), params=params), run(mixed, params=params), check_exact=True
    )


def test_ties_in_inner_auc_go_to_the_first_value():
    reduced, patients, splits = study(features=1)
    case = next(case for case in cases_of((reduced.assign(f0=1.0), patients, splits)) if case.model == "lr")
    folds = inner_folds(case.design.y, case.design.groups, folds=3, seed=0)
    value, means = tune(case, params=FEW, seed=0, folds=folds)
    assert set(means.values()) == {0.5}
    assert value == FEW.grids.lr[0]


def test_tuning_selects_the_value_with_the_best_inner_auc():
    # Two concentric rings: 41 neighbours cover the whole plane, 5 stay on the ring.
    rng = np.random.default_rng(0)
    y = np.tile([0, 1], 40)
    angle, radius = rng.uniform(0, 2 * np.pi, 80), np.where(y, 1.0, 3.0)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    params = FEW.model_copy(update={"grids": FEW.grids.model_copy(update={"knn": (41, 5)})})
    design = replace(cases_of(study())[0].design, X=X, y=y, groups=np.arange(80).astype(str))
    folds = inner_folds(y, design.groups, folds=3, seed=0)
    value, means = tune(Case(design=design, model="knn"), params=params, seed=0, folds=folds)
    assert value == 5
    assert means["5"] > means["41"]


def test_no_feature_selected_scores_the_training_prevalence():
    reduced, patients, splits = study(features=1)
    raw = run((reduced.assign(f0=np.nan), patients, splits), params=PARAMS)
    train = splits[splits["role"] == "train"].merge(patients, on="patient_id")
    prevalence = train.groupby("resample")["label"].mean()
    np.testing.assert_allclose(raw["score"], prevalence.loc[raw["resample"]])
    assert (raw[raw["resample"] == "final"].groupby("model")["score"].nunique() == 1).all()


def test_seed_of_a_case_depends_on_every_name():
    seeds = {case_seed(1, "a", "b"), case_seed(2, "a", "b"), case_seed(1, "b", "a"), case_seed(1, "ab")}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_finished_cases_are_not_fitted_again(tmp_path, monkeypatch):
    cases = cases_of(study())
    store = CheckpointStore(tmp_path / "benchmark", key="0" * 32)
    settings = {"params": FEW, "seed": 1, "feature_set": "demo", "store": store, "workers": 1}
    whole = fit_cases(cases, **settings)
    first = [next(whole), next(whole)]  # the run is stopped here
    fitted, original = [], benchmark.fit_case
    monkeypatch.setattr(
        benchmark, "fit_case", lambda case, **given: fitted.append(case.name) or original(case, **given)
    )
    again = list(fit_cases(cases, **settings))
    assert fitted == [case.name for case in cases[2:]]
    assert again[:2] == first
    assert again == list(fit_cases(cases, **(settings | {"store": None})))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"classifiers": ["lr", "catboost"]}, "key 'classifiers.1' has the value 'catboost': .*'lr', 'svm', 'knn'"),
        (
            {"classifiers": ["lr", "lr"]},
            "key 'classifiers' has the value .*: must name one classifier or more, each once",
        ),
        ({"classifiers": []}, r"key 'classifiers' has the value \[\]: must name one classifier or more"),
        ({"inner_folds": 1}, "key 'inner_folds' has the value 1: .*greater than or equal to 2"),
        ({"models": ["lr"]}, "key 'models' is not known here; allowed keys are boosting_rounds"),
    ],
)
def test_wrong_parameters_give_one_sentence(tmp_path, change, sentence):
    path = tmp_path / "benchmark.yaml"
    path.write_text(json.dumps(SHIPPED | change))
    with pytest.raises(ParamsError, match=f"benchmark.yaml: {sentence}"):
        load_params(path, BenchmarkParams)


def stage(folder, *, workers=1, out="out", **paths):
    names = ("params", "common", "reduced", "selected", "patients", "splits")
    files = {"params": "params.yaml", "common": "common.yaml"} | {name: f"{name}.csv" for name in names[2:]}
    words = [word for name in names for word in (f"--{name}", str(folder / (files | paths)[name]))]
    words += ["--set", "demo", "--predictions", str(folder / out / "p.csv"), "--models", str(folder / out / "models")]
    settings = {"FUSION_WORKERS": str(workers), "FUSION_SCRATCH": str(folder / "scratch"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "stages.benchmark", *words]
    return subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path):
    reduced, patients, splits = study(parts=("a", "b"), folds=2)
    reduced = reduced.rename(columns=lambda name: f"radiomics.{name}" if name[0] == "f" else name)
    final = reduced[reduced["resample"] == "final"].groupby("part")
    used = {part: rows.filter(like=".").dropna(axis=1, how="all").columns for part, rows in final}
    kept = [("final", part, "min", name.partition(".")[2]) for part in "ab" for name in used[part]]
    kept += [("final", part, "1se", "f0") for part in "ab"]
    selected = pd.DataFrame(kept, columns=["resample", "part", "rule", "feature"])
    selected = selected.assign(block="radiomics", coefficient=0.5)
    for name, table, contract in (
        ("reduced", reduced, REDUCED),
        ("selected", selected, SELECTED),
        ("patients", patients, PATIENTS),
        ("splits", splits, SPLITS),
    ):
        write_table(table, tmp_path / f"{name}.csv", contract)
    (tmp_path / "params.yaml").write_text(json.dumps(PARAMS.model_dump()))
    (tmp_path / "common.yaml").write_text((ROOT / "params" / "common.yaml").read_text())
    return tmp_path


def test_command_line_writes_what_one_worker_writes_and_models_that_reproduce_it(folder):
    done = stage(folder, workers=2)
    assert done.returncode == 0, done.stderr
    assert "0 of 48 fits already finished" in done.stderr
    assert not list((folder / "scratch").rglob("*.json"))
    predictions = read_table(folder / "out" / "p.csv", PREDICTIONS)
    reduced = read_table(folder / "reduced.csv", REDUCED)
    final = reduced[(reduced["resample"] == "final") & (reduced["role"] != "train")]
    for model in MODELS:
        parts = []
        for part in "ab":
            saved = load_model(folder / "out" / "models" / f"{model}_{part}.card.json")
            rows = final[final["part"] == part].sort_values("patient_id")
            parts.append(saved.score(rows))
        point = benchmark.OperatingPoint(**saved.card["operating_point"])
        rows = predictions[(predictions["model"] == model) & (predictions["resample"] == "final")]
        np.testing.assert_allclose(rows["score"], point.recalibrate(np.mean(parts, axis=0)), rtol=0, atol=1e-12)
        assert set(rows["threshold"]) == {point.threshold}
        lasso = saved.card["lasso"]
        assert {row["rule"] for row in lasso} == {"min"}  # the rule that the reduced columns come from
        assert {f"{row['block']}.{row['feature']}" for row in lasso} == set(saved.card["features"])
        assert (saved.card["n"], saved.card["events"]) == (30, 10)
    one_worker = freeze(run(study(parts=("a", "b")), params=PARAMS, seed=2026))
    write_table(one_worker, folder / "one.csv", PREDICTIONS)
    assert (folder / "one.csv").read_bytes() == (folder / "out" / "p.csv").read_bytes()
    texts = [path.read_text() for path in (folder / "out" / "models").glob("*.json")]
    assert len(texts) == 2 * len(MODELS)
    assert not any(str(folder) in text for text in texts)


def test_command_line_names_an_unknown_classifier_in_one_sentence(folder):
    (folder / "params.yaml").write_text(json.dumps(PARAMS.model_dump() | {"classifiers": ["catboost"]}))
    done = stage(folder)
    assert done.returncode == 1
    assert "params.yaml: key 'classifiers.0' has the value 'catboost': input should be 'lr', 'svm'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "out").exists()
