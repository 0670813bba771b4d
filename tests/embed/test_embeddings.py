"""The tables of embeddings and logits have the rows of their contracts, and the stage writes all its outputs."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from places import ROOT
from scipy.special import expit
from tiny_study import cohort, embedded, plan, splits

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.embed import EMBEDDINGS, NO_FILES, PATIENT_EMBEDDINGS, read_embeddings
from pipeline.contracts.data.split import SPLITS
from pipeline.embed.embeddings import embeddings_table, logits_table, note_no_files, set_aside, write_features
from pipeline.foundation.fingerprints import file_sha256
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.tables import check_table, read_table, write_table
from pipeline.networks.timm_backbone import load_timm
from pipeline.networks.weights import write_tensors

STUDY = cohort()


@pytest.mark.parametrize("strategy", ["crossfit", "insample", "frozen"])
def test_rows_are_those_of_the_contract(strategy, tmp_path):
    table = embeddings_table(embedded(strategy, tmp_path), plan=plan(study=STUDY))
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
    results = embedded(strategy, tmp_path)
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


@pytest.mark.parametrize("strategy", ["crossfit", "insample", "frozen"])
def test_the_files_and_the_csv_together_hold_every_row_once(strategy, tmp_path):
    made, results = plan(study=STUDY), embedded(strategy, tmp_path)
    (tmp_path / "net").mkdir()
    lighter = [set_aside(result, plan=made, folder=tmp_path / "net") for result in results]
    note_no_files(tmp_path / "net")
    write_features(lighter, plan=made, features=tmp_path / "net.csv", logits=tmp_path / "logits.csv")

    found = read_embeddings(tmp_path / "net.csv")
    whole = embeddings_table(results, plan=made).set_index(["resample", "part", "image_id"])
    again = pd.concat({rows: found.frame(*rows) for rows in found.ids}, names=["resample", "part"])
    in_csv = {resample for resample, part in found.table}
    assert (tmp_path / "net" / NO_FILES).exists() == (strategy == "frozen")
    assert in_csv == ({"all"} if strategy == "frozen" else {"final"})
    assert sum(len(result.embeddings) for result in lighter) == sum(map(len, found.table.values()))
    pd.testing.assert_frame_equal(again.astype(np.float32).sort_index(), whole.sort_index(), check_exact=True)


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


def write_study(folder, *, without=()):
    """The tables and ROIs of the tiny study as written by the earlier stages, `without` some images."""
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
    write_table(PREDICTED_ROIS.empty(), folder / "predicted.csv", PREDICTED_ROIS)
    patients = pd.DataFrame({"patient_id": list(STUDY.labels), "label": list(STUDY.labels.values())})
    patients = patients.assign(group_id=patients["patient_id"], site=None, cohort=None)
    write_table(patients, folder / "patients.csv", PATIENTS)
    write_table(splits(), folder / "splits.csv", SPLITS)


def stage(folder, params, *, net="carnet"):
    command = [sys.executable, "-m", "stages.embed", "--net", net, "--params", params]
    command += ["--common", ROOT / "params" / "common.yaml", "--table", folder / "rois.csv"]
    command += ["--predicted", folder / "predicted.csv"]
    command += ["--rois", folder / "rois", "--patients", folder / "patients.csv", "--splits", folder / "splits.csv"]
    command += ["--features", folder / "features" / "net.csv", "--logits", folder / "logits.csv"]
    command += ["--network", folder / "net", "--predictions", folder / "head.csv"]
    environment = os.environ | {"FUSION_WORKERS": "1", "FUSION_SCRATCH": str(folder / "scratch")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_stage_writes_its_outputs(tmp_path):
    write_study(tmp_path)
    done = stage(tmp_path, params_file(tmp_path, epochs=1, image_size_px=32))

    assert done.returncode == 0, done.stderr
    found = read_embeddings(tmp_path / "features" / "net.csv")
    assert set(read_table(tmp_path / "features" / "net.csv", EMBEDDINGS)["resample"]) == {"final"}
    assert {len(found.columns), len(found.files), len(found.ids)} == {512, 4, 6}
    assert set(read_table(tmp_path / "head.csv", PREDICTIONS)["model"]) == {"carnet_head"}
    assert len(list((tmp_path / "net").glob("*.json"))) == 6
    assert not (tmp_path / "scratch" / "embed-carnet").exists()
    assert len(list((tmp_path / "scratch" / "board" / "carnet").iterdir())) == 6


def test_a_backbone_is_frozen_while_the_shared_strategy_is_crossfit(tmp_path):
    write_study(tmp_path)
    weights = tmp_path / "weights.safetensors"
    write_tensors(load_timm().create_model("test_resnet", pretrained=False).state_dict(), weights)
    own = f"{{file: {weights}, source: file, sha256: {file_sha256(weights)}, licence: apache-2.0}}"
    entry = f"{{mine: {{model: test_resnet, strategy: frozen, trained_on: other_patients, weights: {own}}}}}"
    params = params_file(tmp_path, nets="[mine]", backbones=entry)

    done = stage(tmp_path, params, net="mine")

    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "features" / "net.csv", EMBEDDINGS)
    card = json.loads((tmp_path / "net" / "all_all.json").read_text(encoding="utf-8"))
    assert set(table["resample"]) == {"all"}
    assert set(table["image_id"]) == set(STUDY.inputs.image_ids)
    assert (card["strategy"], card["trained_on"]) == ("frozen", "other_patients")
    assert card["normalisation"] == {"mean": [0.5] * 3, "sd": [0.5] * 3}


def test_two_processes_share_a_batch_under_torchrun(tmp_path):
    write_study(tmp_path)
    done = stage(tmp_path, params_file(tmp_path, epochs=1, image_size_px=32, processes=2))

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("networks already finished") == 1  # only one process logs and writes
    assert len(read_embeddings(tmp_path / "features" / "net.csv").ids) == 6
    assert len(list((tmp_path / "net").glob("*.json"))) == 6


def test_a_pair_of_views_is_embedded_as_its_patient(tmp_path):
    write_study(tmp_path, without=("P001_trans", "P020_long", "P021_long", "P021_trans"))
    params = params_file(tmp_path, nets="[dualview]", backbone="carnet", epochs=1, image_size_px=32)
    done = stage(tmp_path, params, net="dualview")
    assert done.returncode == 0, done.stderr

    table = read_table(tmp_path / "features" / "net.csv", PATIENT_EMBEDDINGS)
    assert table.shape[1] == 3 + 2 * 512
    assert len(table) == 16 + 2 * (8 - 1)  # each half once, the test patients by both; P021 has no image
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


def test_two_networks_are_combined_on_patients_that_neither_was_trained_on(tmp_path):
    write_study(tmp_path)
    made = {}
    for net in ("carnet", "ptcrnet"):
        done = stage(tmp_path, params_file(tmp_path, nets="[carnet, ptcrnet]", epochs=1, image_size_px=64), net=net)
        assert done.returncode == 0, done.stderr
        made[net] = read_table(tmp_path / "features" / "net.csv", EMBEDDINGS)
    card = json.loads((tmp_path / "net" / "final_a.json").read_text(encoding="utf-8"))
    losses = pd.read_csv(tmp_path / "net" / "losses.csv")
    logits = read_table(tmp_path / "logits.csv", EMBEDDINGS)

    assert made["ptcrnet"].shape[1] == 3 + 512 + 1280
    # Its CAR-Net is the one that is trained alone, to the byte.
    assert np.array_equal(made["ptcrnet"].iloc[:, 3 : 3 + 512], made["carnet"].iloc[:, 3:])
    # Not the logistic regression of both: that is fitted on patients it would predict.
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
