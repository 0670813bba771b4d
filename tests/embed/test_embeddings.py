"""embed: rows as the contract has them, the same bytes for any workers, no patient described by its own network."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from places import ROOT
from scipy.special import expit
from sklearn.metrics import roc_auc_score
from tiny_study import cohort, plan, splits

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.embed import EMBEDDINGS, PATIENT_EMBEDDINGS
from pipeline.contracts.data.split import SPLITS
from pipeline.embed import cases as embed_cases
from pipeline.embed.cases import describe, ran_all_epochs
from pipeline.embed.embeddings import contract_of, embeddings_table, logits_table, write_network
from pipeline.embed.heads import predictions_table
from pipeline.embed.params import EmbedParams, network_of
from pipeline.embed.strategy import plan_jobs
from pipeline.embed.work_plan import Place, Plan, cases_of, cohort_of, recipe_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import check_table, read_table, write_table
from pipeline.predictions.thresholds import YOUDEN
from pipeline.training.state import TrainingState

STUDY = cohort()


def run(strategy, folder, *, study=STUDY, workers=1, table=None, made=None, **changes):
    made = made or plan(strategy, study=study, **changes)
    jobs = plan_jobs(splits() if table is None else table, strategy=strategy)
    cases = cases_of(jobs, cohort=made.cohort, batch_size=made.recipe.training.batch_size)
    store = CheckpointStore(folder / "embed", key="k")
    place = Place(device="cpu")
    return list(describe(cases, plan=made, store=store, place=place, workers=workers, scheduler=None))


def files(results, folder, *, made=None):
    """Everything the stage writes, as bytes by name."""
    made = made or plan(study=STUDY)
    write_table(embeddings_table(results, plan=made), folder / "features.csv", contract_of(made))
    heads = predictions_table(results, plan=made, splits=splits(), rule=YOUDEN)
    write_table(heads, folder / "heads.csv", PREDICTIONS)
    write_network(results, plan=made, folder=folder / "network")
    found = [file for file in sorted(folder.rglob("*")) if file.is_file() and "embed" not in file.parts]
    return {str(file.relative_to(folder)): file.read_bytes() for file in found}


@pytest.mark.parametrize("strategy", ["crossfit", "insample", "frozen"])
def test_rows_are_those_of_the_contract(strategy, tmp_path):
    table = embeddings_table(run(strategy, tmp_path), plan=plan(study=STUDY))
    check_table(table, EMBEDDINGS, place="features")
    found = set(zip(table["resample"], table["part"], table["image_id"].str.partition("_")[0], strict=True))
    roles = splits()
    if strategy == "frozen":
        expected = {("all", "all", patient) for patient in STUDY.labels}
    elif strategy == "insample":
        expected = {(r.resample, "all", r.patient_id) for r in roles.itertuples()}
    else:
        expected = {
            (r.resample, part, r.patient_id)
            for r in roles.itertuples()
            for part in "ab"
            if r.role != "train" or r.half != part
        }

    assert found == expected
    assert len(table) == 2 * len(expected)
    assert list(table.columns) == ["resample", "part", "image_id", "tiny_0000", "tiny_0001", "tiny_0002", "tiny_0003"]


@pytest.mark.parametrize("strategy", ["crossfit", "insample", "frozen"])
def test_logits_have_the_rows_of_the_embeddings_and_are_those_of_the_probabilities(strategy, tmp_path):
    results = run(strategy, tmp_path)
    table = logits_table(results, plan=plan(study=STUDY))
    check_table(table, EMBEDDINGS, place="logits")

    assert list(table.columns) == ["resample", "part", "image_id", "tiny_logit"]
    if strategy == "frozen":  # no head, no logit
        assert table.empty
        return
    same = ["resample", "part", "image_id"]
    pd.testing.assert_frame_equal(table[same], embeddings_table(results, plan=plan(study=STUDY))[same])
    probabilities = np.concatenate([result.probabilities for result in results])
    assert expit(table["tiny_logit"].to_numpy()) == pytest.approx(probabilities, abs=1e-12)


def test_every_test_patient_has_a_head_score(tmp_path):
    results = run("crossfit", tmp_path)
    found = predictions_table(results, plan=plan(study=STUDY), splits=splits(), rule=YOUDEN)
    test = splits().query("role != 'train'")

    assert set(zip(found["resample"], found["patient_id"], found["evaluation"], strict=True)) == set(
        zip(test["resample"], test["patient_id"], test["role"], strict=True)
    )


def test_a_frozen_network_has_no_head(tmp_path):
    assert predictions_table(run("frozen", tmp_path), plan=plan(study=STUDY), splits=splits(), rule=YOUDEN).empty


def test_frozen_chunks_hold_whole_batches():
    jobs = plan_jobs(splits(), strategy="frozen")
    cases = cases_of(jobs, cohort=STUDY, batch_size=2)

    assert [len(case.rows) for case in cases] == [32, 16]
    assert [case.name for case in cases] == ["all_all_0", "all_all_1"]


def test_one_and_two_workers_write_the_same_bytes(tmp_path):
    first = files(run("crossfit", tmp_path / "1"), tmp_path / "1")
    second = files(run("crossfit", tmp_path / "2", workers=2), tmp_path / "2")

    assert first == second
    assert {"features.csv", "heads.csv", "network/losses.csv", "network/final_a.safetensors"} <= set(first)


def test_resume_computes_only_what_is_missing(tmp_path, monkeypatch):
    whole = files(run("crossfit", tmp_path / "a"), tmp_path / "a")
    half_way = run("crossfit", tmp_path / "b")
    store = CheckpointStore(tmp_path / "b" / "embed", key="k")
    for result in half_way[:2]:
        store.path(result.case.name).unlink()
    computed = []

    class Watched(embed_cases.Trainer):
        def fit(self, *args, **kwargs):
            computed.append(kwargs["seed"])
            return super().fit(*args, **kwargs)

    monkeypatch.setattr(embed_cases, "Trainer", Watched)
    again = files(run("crossfit", tmp_path / "b"), tmp_path / "b")

    assert len(computed) == 2
    assert again == whole


def test_a_training_that_was_killed_goes_on_after_its_last_epoch(tmp_path, monkeypatch):
    whole = files(run("crossfit", tmp_path / "a"), tmp_path / "a")
    save, seen = TrainingState.save, []

    def save_and_die(self, content):
        save(self, content)
        seen.append(len(content["history"]))
        if len(seen) == 3:  # two epochs of the first network, one of the second
            raise KeyboardInterrupt

    monkeypatch.setattr(TrainingState, "is_due", lambda _: True)
    with monkeypatch.context() as patch:
        patch.setattr(TrainingState, "save", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            run("crossfit", tmp_path / "b")
    left = list((tmp_path / "b").rglob("*.epoch"))
    again = files(run("crossfit", tmp_path / "b"), tmp_path / "b")

    assert seen == [1, 2, 1]
    assert len(left) == 1
    assert again == whole
    assert not list((tmp_path / "b").rglob("*.epoch"))


def training_auc(strategy, folder):
    """AUC of the head over the training patients it describes, and over the test patients, mean of resamples."""
    study, table = cohort(120), splits(120)
    role = table.set_index(["resample", "patient_id"])["role"]
    rows = [
        (result.case.job.resample, study.inputs.patient_ids[row], probability)
        for result in run(strategy, folder, study=study, table=table, epochs=40)
        for row, probability in zip(result.case.rows, result.probabilities, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["resample", "patient_id", "score"])
    frame["train"] = [role[key] == "train" for key in zip(frame["resample"], frame["patient_id"], strict=True)]
    frame["label"] = [study.labels[patient] for patient in frame["patient_id"]]
    by_role = frame.groupby(["train", "resample"]).apply(lambda g: roc_auc_score(g["label"], g["score"]))
    return by_role.loc[True].mean(), by_role.loc[False].mean()


def test_a_network_that_learns_by_heart_betrays_insample_and_not_crossfit(tmp_path):
    crossfit, insample = training_auc("crossfit", tmp_path / "c"), training_auc("insample", tmp_path / "i")

    assert insample[0] > 0.99
    assert 0.4 < crossfit[0] < 0.6
    assert 0.35 < insample[1] < 0.65
    assert 0.35 < crossfit[1] < 0.65


def test_late_fusion_of_two_that_learn_by_heart_says_nothing_of_noise(tmp_path):
    study, table = cohort(120), splits(120)
    alone = plan("crossfit", study=study, epochs=40).members[0]
    other = replace(alone, network=replace(alone.network, name="other"))
    both = Plan(name="both", members=(alone, other), settings=alone.network.settings, combine="late")
    found = []
    for result in run("crossfit", tmp_path, table=table, made=both):
        rows = [row for row in result.case.rows if study.inputs.patient_ids[row] in result.case.job.scored]
        labels = [study.labels[study.inputs.patient_ids[row]] for row in rows]
        scores = dict(zip(result.case.rows, result.probabilities, strict=True))
        found.append(roc_auc_score(labels, [scores[row] for row in rows]))

    assert len(found) == 6
    assert 0.4 < np.mean(found) < 0.6


def params_file(folder, **changes):
    """The demo's params with some lines replaced; a key is `name` as it stands at the start of a line."""
    text = (ROOT / "params" / "embed.yaml").read_text(encoding="utf-8")
    for key, value in changes.items():
        lines = [line for line in text.splitlines() if line.strip().startswith(f"{key}:")]
        line = lines[0]
        text = text.replace(line, f"{line[: len(line) - len(line.lstrip())]}{key}: {value}", 1)
    path = folder / "embed.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_demo_params_are_valid():
    params = load_params(ROOT / "params" / "embed.yaml", EmbedParams)

    assert params.nets == ("densenet121", "carnet")
    assert network_of(params, "carnet").settings is params.carnet


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"nets": "[densenet121, vgg]"},
            r"key 'nets'.*allowed are alexnet, carnet, densenet121, dualview, inception3, penet, ptcrnet, resnet50, ",
        ),
        ({"nets": "[carnet, carnet]"}, r"key 'nets'.*each at most once$"),
        ({"strategy": "frozen"}, r"key 'strategy' has the value 'frozen', but densenet121 would hold randomly"),
        ({"layer": "last_conv_flat1568"}, r"'input\.image_size_px' has the value 64: .*last_conv_flat1568 needs 224; "),
        (
            {"nets": "[alexnet]", "image_size_px": "32"},
            r"'input\.image_size_px' has the value 32: alexnet needs 63 or more",
        ),
        ({"epochs": "0"}, r"key 'training\.epochs' has the value 0: .*greater than or equal to 1$"),
        ({"min_events": "9"}, r"key 'training\.early_stopping\.min_events' has the value 9"),
        ({"margin_px": "-1"}, r"key 'input\.margin_px' has the value -1: .*greater than or equal to 0$"),
    ],
)
def test_wrong_params_are_one_sentence(changes, message, tmp_path):
    with pytest.raises(ParamsError, match=message) as caught:
        load_params(params_file(tmp_path, **changes), EmbedParams)
    assert "\n" not in str(caught.value)


def test_a_network_may_have_a_size_of_its_own():
    params = load_params(ROOT / "params" / "embed.yaml", EmbedParams)

    assert params.input_of("inception3").image_size_px == 299
    assert params.input_of("vit").image_size_px == 224
    assert params.input_of("carnet") == params.input
    assert recipe_of(params, net="inception3", seed=1).input.image_size_px == 299


@pytest.mark.parametrize(
    ("enabled", "held", "told"), [(True, [0, 9, 0], "2 of 3 networks"), (True, [9, 9], None), (False, [0], None)]
)
def test_early_stopping_that_did_not_happen_is_told(enabled, held, told):
    training = load_params(ROOT / "params/embed.yaml", EmbedParams).training
    training = training.model_copy(
        update={"early_stopping": training.early_stopping.model_copy(update={"enabled": enabled})}
    )
    case = SimpleNamespace(job=SimpleNamespace(trained=frozenset({"p1"})))
    results = [SimpleNamespace(case=case, card={"n_validation_patients": number}) for number in held]
    sentence = ran_all_epochs(results, training=training)

    assert (sentence is None) if told is None else sentence.startswith(told)


def test_labels_and_groups_come_from_the_patients_table():
    table = pd.DataFrame({"patient_id": ["007", "8"], "group_id": ["g", "h"], "label": [1.0, 0.0]})
    found = cohort_of(table, inputs=STUDY.inputs)

    assert found.labels == {"007": 1, "8": 0}
    assert found.groups == {"007": "g", "8": "h"}


def write_study(folder, *, without=()):
    """The tables and ROIs of the tiny study as the stages before leave them, `without` some images."""
    inputs = STUDY.inputs
    rows = []
    for image_id, patient, view, pixels in zip(
        inputs.image_ids, inputs.patient_ids, inputs.views, inputs.pixels, strict=True
    ):
        write_image(image_from(pixels[0]), folder / "rois" / f"{image_id}_image.nrrd")
        write_image(image_from(np.ones_like(pixels[0])), folder / "rois" / f"{image_id}_mask.nrrd")
        if image_id not in without:
            rows.append((image_id, patient, view, f"{image_id}_image.nrrd", f"{image_id}_mask.nrrd", "ok"))
    rois = pd.DataFrame(rows, columns=["image_id", "patient_id", "view", "image", "mask", "status"])
    empty = [column.name for column in ROIS.columns if column.name not in rois]
    write_table(rois.assign(**dict.fromkeys(empty)), folder / "rois.csv", ROIS)
    patients = pd.DataFrame({"patient_id": list(STUDY.labels), "label": list(STUDY.labels.values())})
    patients = patients.assign(group_id=patients["patient_id"], site=None, cohort=None)
    write_table(patients, folder / "patients.csv", PATIENTS)
    write_table(splits(), folder / "splits.csv", SPLITS)


def stage(folder, params, *, net="carnet"):
    command = [sys.executable, "-m", "stages.embed", "--net", net, "--params", params]
    command += ["--common", ROOT / "params" / "common.yaml", "--table", folder / "rois.csv"]
    command += ["--rois", folder / "rois", "--patients", folder / "patients.csv", "--splits", folder / "splits.csv"]
    command += ["--features", folder / "net.csv", "--logits", folder / "logits.csv"]
    command += ["--network", folder / "net", "--predictions", folder / "head.csv"]
    environment = os.environ | {"FUSION_WORKERS": "1", "FUSION_SCRATCH": str(folder / "scratch")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_stage_writes_its_outputs(tmp_path):
    write_study(tmp_path)
    done = stage(tmp_path, params_file(tmp_path, epochs=1, image_size_px=32))

    assert done.returncode == 0, done.stderr
    assert read_table(tmp_path / "net.csv", EMBEDDINGS).shape[1] == 3 + 512
    assert set(read_table(tmp_path / "head.csv", PREDICTIONS)["model"]) == {"carnet_head"}
    assert len(list((tmp_path / "net").glob("*.json"))) == 6
    assert not (tmp_path / "scratch" / "embed-carnet").exists()
    assert len(list((tmp_path / "scratch" / "board" / "carnet").iterdir())) == 6


def test_two_processes_share_a_batch_under_torchrun(tmp_path):
    write_study(tmp_path)
    done = stage(tmp_path, params_file(tmp_path, epochs=1, image_size_px=32, processes=2))

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("networks were finished before") == 1  # one of them speaks and writes
    assert read_table(tmp_path / "net.csv", EMBEDDINGS).shape[1] == 3 + 512
    assert len(list((tmp_path / "net").glob("*.json"))) == 6


def test_a_pair_of_views_is_described_as_its_patient(tmp_path):
    write_study(tmp_path, without=("P001_trans", "P020_long", "P021_long", "P021_trans"))
    params = params_file(tmp_path, nets="[dualview]", backbone="carnet", epochs=1, image_size_px=32)
    done = stage(tmp_path, params, net="dualview")
    assert done.returncode == 0, done.stderr

    table = read_table(tmp_path / "net.csv", PATIENT_EMBEDDINGS)
    assert table.shape[1] == 3 + 2 * 512
    final = table[table["resample"] == "final"]
    assert len(final) == 16 + 2 * (8 - 1)  # each half once, the test patients by both; P021 has no image
    views = pd.read_csv(tmp_path / "net" / "views.csv", dtype={"patient_id": "str"})
    assert set(views.loc[views["patient_id"] == "P001", "view"]) == {"long"}
    assert set(views.loc[views["patient_id"] == "P002", "view"]) == {"long", "trans"}

    heads = read_table(tmp_path / "head.csv", PREDICTIONS)
    assert set(heads["model"]) == {"dualview_head", "dualview_head_long", "dualview_head_trans"}
    test = splits().query("role != 'train'")
    for _, rows in heads.groupby("model"):
        assert set(zip(rows["resample"], rows["patient_id"], strict=True)) == set(
            zip(test["resample"], test["patient_id"], strict=True)
        )
    card = json.loads((tmp_path / "net" / "final_a.json").read_text(encoding="utf-8"))
    assert card["scored_without_image"] == ["P021"]
    assert card["parts"]["carnet"]["depth"] == 18


def test_two_networks_are_combined_on_patients_that_neither_has_seen(tmp_path):
    write_study(tmp_path)
    made = {}
    for net in ("carnet", "ptcrnet"):
        done = stage(tmp_path, params_file(tmp_path, nets="[carnet, ptcrnet]", epochs=1, image_size_px=64), net=net)
        assert done.returncode == 0, done.stderr
        made[net] = read_table(tmp_path / "net.csv", EMBEDDINGS)
    card = json.loads((tmp_path / "net" / "final_a.json").read_text(encoding="utf-8"))
    losses = pd.read_csv(tmp_path / "net" / "losses.csv")
    logits = read_table(tmp_path / "logits.csv", EMBEDDINGS)

    assert made["ptcrnet"].shape[1] == 3 + 512 + 1280
    # Its CAR-Net is the one that is trained alone, to the byte.
    assert np.array_equal(made["ptcrnet"].iloc[:, 3 : 3 + 512], made["carnet"].iloc[:, 3:])
    # Not the logistic regression of both: that is fitted on patients it would describe.
    assert list(logits.columns[3:]) == ["carnet_logit", "penet_logit"]
    assert set(card["members"]) == {"carnet", "penet"}
    assert set(losses["network"]) == {"carnet", "penet"}
    assert set(read_table(tmp_path / "head.csv", PREDICTIONS)["model"]) == {"ptcrnet_head"}


def test_the_stage_refuses_wrong_params_in_one_sentence(tmp_path):
    done = stage(tmp_path, params_file(tmp_path, strategy="frozen"))

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "embed.yaml: key 'strategy' has the value 'frozen'" in done.stderr
