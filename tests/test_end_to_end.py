"""The real DVC pipeline on a tiny cohort: it runs, it is complete, it repeats to the byte, it survives being killed."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from PIL import Image
from places import ROOT
from ruamel.yaml import YAML
from safetensors.numpy import load

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import PATIENTS
from pipeline.contracts.data.predict import NEW_PREDICTIONS
from pipeline.contracts.data.radiomics import RADIOMICS
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.tables import read_csv, read_table, write_table

NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
CODE = ("pipeline", "stages", "params", ".dvc/config", ".dvc/.gitignore", ".dvcignore", "dvc.yaml")
# What makes the cohort tiny; every other parameter is the shipped one.
TINY: dict[str, dict[str, Any]] = {
    "demo": {"n_patients": 60},
    "cohort": {"tables": {"min_class_count": 5, "min_test_class_count": 2}},
    "split": {"folds": 2},
    "embed": {
        "nets": ["dualview"],
        "input": {"image_size_px": 32},
        "training": {"epochs": 1},
        "dualview": {"backbone": "carnet"},
    },
    "fusion": {
        "sets": {"clinical": ["clinical"], "combined": ["clinical", "radiomics", "dualview", "dualview_logit"]},
    },
    "benchmark": {"classifiers": ["lr", "rf"], "trees": 20, "tuning_trees": 20},
    "radiomics": {
        "preset": None,
        "settings": {"imageType": {"Original": {}, "LBP2D": {}}, "setting": {"binCount": 32, "force2D": False}},
    },
    "reduce": {"lasso": {"n_lambdas": 20, "min_lambda_ratio": 0.1, "folds": 3}, "half_samples": 5},
    "agreement": {"images": 33, "repeats": 1},
    "compare": {"bootstrap": {"replicates": 50}},
    "selftest": {"feature_set": "combined", "control_voxels": 600_000},
    "explain": {"examples": 1, "panel_px": 64},
}


def merge(content: dict[str, Any], values: dict[str, Any]) -> None:
    """Change only keys that are there; a mapping is changed key by key, `sets` whole."""
    for key, value in values.items():
        assert key in content, f"no such key: {key}"
        if isinstance(value, dict) and isinstance(content[key], dict) and key != "sets":
            merge(content[key], value)
        else:
            content[key] = value


def edit(folder: Path, changes: dict[str, dict[str, Any]]) -> None:
    yaml = YAML()
    for name, values in changes.items():
        path = folder / "params" / f"{name}.yaml"
        content = yaml.load(path.read_text(encoding="utf-8"))
        merge(content, values)
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(content, stream)


def project(folder: Path) -> Path:
    """A copy of the code and the parameters alone, as a clean clone without git has it."""
    folder.mkdir(parents=True)
    for name in CODE:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            # With the compiled kernels, which every process of a clean clone would compile again.
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy(source, target)
    (folder / ".dvc" / "config").write_text("[core]\n    analytics = false\n    no_scm = true\n", encoding="utf-8")
    edit(folder, TINY)
    return folder


def environment(**settings: str) -> dict[str, str]:
    # The interpreter that runs the tests runs the stages, whether or not its environment is activated.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONWARNINGS": "default", **settings}


def repro(folder: Path, *targets: str, workers: int | None = None) -> subprocess.CompletedProcess[str]:
    """`workers` None: as a user runs it, with worker processes where they pay off."""
    return subprocess.run(
        [sys.executable, "-m", "dvc", "repro", *targets],
        cwd=folder,
        env=environment(FUSION_WORKERS=str(workers or "")),
        capture_output=True,
        text=True,
        check=False,
    )


def hashes(folder: Path) -> dict[str, str]:
    files = [f for part in ("data", "reports") for f in (folder / part).rglob("*") if f.is_file()]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(files)}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = project(tmp_path_factory.mktemp("whole") / "project")
    done = repro(folder)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return folder


def test_every_patient_is_scored_by_every_model(finished):
    patients = read_table(finished / "data" / "patients.csv", PATIENTS)
    held_out = set(patients.loc[patients["cohort"] != "train", "patient_id"])
    trained = set(patients.loc[patients["cohort"] == "train", "patient_id"])
    assert len(patients) == TINY["demo"]["n_patients"]

    for name in ("clinical", "combined", "dualview_head"):
        rows = read_table(finished / "data" / "predictions" / f"{name}.csv", PREDICTIONS)
        for _, one in rows.groupby("model"):
            assert set(one.loc[one["resample"] == "final", "patient_id"]) == held_out
            assert set(one.loc[one["resample"] != "final", "patient_id"]) == trained


def test_report_is_one_file_without_network(finished):
    page = (finished / "reports" / "report.html").read_text(encoding="utf-8")

    assert "synthetic" in page
    assert 'src="http' not in page
    assert "<link" not in page
    assert str(finished) not in page


def test_second_run_has_nothing_to_do(finished):
    before = hashes(finished)
    done = repro(finished)

    assert "Running stage" not in done.stdout
    assert hashes(finished) == before


def run_command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )


def new_patients(finished: Path, folder: Path, *, patients: set[str]) -> Path:
    """A manifest of some patients of the demo as new ones: images, masks and clinical values, without an outcome."""
    raw = finished / "data" / "raw" / "demo"
    manifest = read_csv(raw / "manifest.csv", text_columns=["patient_id"])
    clinical = read_csv(raw / "clinical.csv", text_columns=["patient_id"])
    own = manifest[manifest["patient_id"].isin(patients)].drop(columns=["label", "cohort", "gland_mask"])
    for name in (*own["image"], *own["mask"]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(raw / name, folder / name)
    own.merge(clinical, on="patient_id").to_csv(folder / "new.csv", index=False)
    return folder / "new.csv"


@pytest.fixture(scope="module")
def bundle(finished, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    words = (
        "stages.bundle",
        "--params",
        "params",
        "--data",
        "data",
        "--tables",
        "reports/tables",
        "--out",
        str(folder),
    )
    for words_more in ((), ("--classifier", "lr")):  # lr moves with every digit of an embedding, a tree does not
        done = run_command(finished, *words, *words_more)
        assert done.returncode == 0, done.stderr[-3000:]
    return folder / "combined.zip"


def predicted(bundle: Path, manifest: Path, out: Path) -> pd.DataFrame:
    words = ("stages.predict", "--bundle", str(bundle), "--manifest", str(manifest), "--out", str(out))
    done = run_command(ROOT, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    return read_table(out / "predictions.csv", NEW_PREDICTIONS).set_index("patient_id")


def test_new_patients_get_the_scores_of_the_study_alone_and_together(finished, bundle, tmp_path):
    table = read_table(finished / "data" / "predictions" / "combined.csv", PREDICTIONS)
    tested = table[(table["model"] == "lr") & (table["evaluation"] != "cv")].set_index("patient_id")
    manifest = new_patients(finished, tmp_path / "all", patients=set(tested.index))
    one = tested.index[0]

    found = predicted(bundle, manifest, tmp_path / "out")
    alone = predicted(bundle, new_patients(finished, tmp_path / "one", patients={one}), tmp_path / "alone")

    assert set(found.index) == set(tested.index)
    assert (found["status"] == "predicted").all()
    difference = (found["probability"] - tested["score"]).abs()
    assert difference.max() <= 1e-9
    assert alone.loc[one, "probability"] == found.loc[one, "probability"]
    assert (found["threshold"] == tested["threshold"].iloc[0]).all()
    page = (tmp_path / "alone" / alone.loc[one, "page"]).read_text(encoding="utf-8")
    assert page.count("data:image/") >= 2
    assert one in page
    severe = (found["severity"] == "outside") & (tested["evaluation"] == "internal")
    assert severe.sum() <= 0.4 * (tested["evaluation"] == "internal").sum()


def test_no_row_of_a_patient_is_in_a_bundle(finished, bundle):
    """Of no training patient are two values of the reduced features in it, many of the raw ones, or the id."""
    with zipfile.ZipFile(bundle) as source:
        files = {name: source.read(name) for name in source.namelist()}
    numbers = []
    for name, content in files.items():
        if name.endswith(".safetensors"):
            numbers += [array.ravel().astype(np.float64) for array in load(content).values()]
        elif name.endswith(".json"):
            numbers.append(np.array([float(text) for text in NUMBER.findall(content.decode())]))
    kept = np.unique(np.concatenate(numbers))
    splits = read_csv(finished / "data" / "splits.csv", text_columns=["patient_id"])
    training = set(splits.loc[(splits["resample"] == "final") & (splits["role"] == "train"), "patient_id"])
    reduced = read_csv(finished / "data" / "reduced" / "combined.csv", text_columns=["patient_id"])
    own = reduced[reduced["patient_id"].isin(training) & (reduced["resample"] == "final")]
    columns = [name for name in own.columns if name.startswith(("radiomics.", "dualview."))]
    assert np.isin(own[columns].to_numpy(), kept).sum(axis=1).max() <= 1
    images = read_csv(finished / "data" / "cohort.csv", text_columns=["patient_id"])
    radiomics = read_table(finished / "data" / "features" / "radiomics.csv", RADIOMICS)
    raw = radiomics[radiomics["image_id"].isin(images.loc[images["patient_id"].isin(training), "image_id"])]
    shared = np.isin(raw.drop(columns=["image_id", "status", "reason"]).to_numpy(dtype=float), kept)
    common = shared.mean(axis=0) > 0.2  # whole numbers and fractions that many images have
    # The median of an odd number of patients is a value of one of them, in one column of many.
    assert shared[:, ~common].mean(axis=1).max() < 0.2
    text = b"".join(content for name, content in files.items() if name.endswith((".json", ".md"))).decode()
    assert not any(patient in text for patient in training)


def test_wrong_images_are_flagged_and_unusable_ones_keep_a_row(finished, bundle, tmp_path):
    """Inverted grey levels and shuffled pixels; no mask, a cut file, a flat lesion; a volume."""
    table = read_table(finished / "data" / "predictions" / "combined.csv", PREDICTIONS)
    ids = sorted(table.loc[table["evaluation"] == "internal", "patient_id"].unique())[:6]
    manifest = new_patients(finished, tmp_path / "new", patients=set(ids))
    rows = read_csv(manifest, text_columns=["patient_id"])
    generator = np.random.default_rng(1)
    for row in rows.itertuples():
        path = manifest.parent / row.image
        with Image.open(path) as picture:
            grey = np.asarray(picture.convert("L"))
        if row.patient_id == ids[0]:
            Image.fromarray(255 - grey).save(path)
        elif row.patient_id == ids[1]:
            Image.fromarray(generator.permutation(grey.ravel()).reshape(grey.shape)).save(path)
        elif row.patient_id == ids[3]:
            path.write_bytes(path.read_bytes()[:200])
        elif row.patient_id == ids[4]:  # every voxel of the lesion is the same: no radiomics, but an embedding
            with Image.open(manifest.parent / row.mask) as picture:
                inside = np.asarray(picture.convert("L")) > 127
            Image.fromarray(np.where(inside, 90, grey).astype(np.uint8)).save(path)
    volume = rows["patient_id"] == ids[5]
    for column in ("image", "mask"):
        for place in rows.index[volume]:
            path = manifest.parent / rows.loc[place, column]
            slices = sitk.JoinSeries([sitk.ReadImage(str(path))] * 3)
            rows.loc[place, column] = str(path.with_suffix(".nrrd").relative_to(manifest.parent))
            sitk.WriteImage(slices, str(manifest.parent / rows.loc[place, column]))
    rows["mask"] = rows["mask"].where(rows["patient_id"] != ids[2])
    rows.to_csv(manifest, index=False)

    found = predicted(bundle, manifest, tmp_path / "out")

    assert found.loc[ids[:2], "severity"].tolist() == ["outside", "outside"]
    assert found.loc[ids[2:5], "status"].tolist() == ["failed", "failed", "failed"]
    assert "mask" in found.loc[ids[2], "reason"]
    assert "cut off" in found.loc[ids[3], "reason"]
    assert "have the value 90" in found.loc[ids[4], "reason"]  # as the audit of a study refuses it
    # A volume where the study had frames has no radiomics, and an embedding, as an image of the study would.
    assert found.loc[ids[5], ["status", "severity"]].tolist() == ["predicted", "outside"]
    assert "radiomics_failed" in found.loc[ids[5], "flags"]
    page = (tmp_path / "out" / found.loc[ids[2], "page"]).read_text(encoding="utf-8")
    assert "No prediction" in page


def test_a_red_light_is_shown_in_the_report_and_then_fails_the_run(finished, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(finished, folder, symlinks=True)
    table = folder / "reports" / "tables" / "selftest.csv"
    lights = read_table(table, SELFTEST)
    lights.loc[lights["check"] == "sham_labels", ["light", "finding"]] = ["red", "A planted red light."]
    write_table(lights, table, SELFTEST)

    made = repro(folder, "--single-item", "report")
    done = repro(folder, "--single-item", "verdict")

    assert made.returncode == 0, made.stderr[-3000:]
    page = (folder / "reports" / "report.html").read_text(encoding="utf-8")
    assert page.count("A planted red light.") >= 2  # in the result and among the lights
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("verdict:")]
    assert "1 self-test is red, so the results cannot be used; reports/report.html shows why" in line
    assert line.endswith("A planted red light.")


def test_a_failed_report_leaves_the_previous_one(finished, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(finished, folder, symlinks=True)
    before = (folder / "reports" / "report.html").read_bytes()
    edit(folder, {"report": {"subgroups": {"columns": [{"column": "no_such_column"}]}}})

    done = repro(folder)

    assert done.returncode != 0
    assert "no_such_column" in done.stderr
    assert (folder / "reports" / "report.html").read_bytes() == before


def test_one_worker_killed_and_started_again_gives_the_same_bytes(finished, tmp_path):
    """A second copy runs with one worker, is killed inside `radiomics`, and goes on where it stopped."""
    folder = project(tmp_path / "project")
    assert repro(folder, "crop", workers=1).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "radiomics"],
        cwd=folder,
        env=environment(FUSION_WORKERS="1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    scratch = folder / ".scratch" / "store"
    while len(list(scratch.rglob("*.json"))) < 10:
        assert process.poll() is None, "the stage ended before it could be killed"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(list(scratch.rglob("*.json")))
    assert not (folder / "data" / "features" / "radiomics.csv").exists()

    going_on = repro(folder, "radiomics", workers=1)

    assert going_on.returncode == 0, going_on.stderr[-3000:]
    assert f" images, {kept} of them finished earlier" in going_on.stderr
    done = repro(folder, workers=1)
    assert done.returncode == 0, done.stderr[-3000:]
    # The network cards record nothing of the machine, so the comparison is of every file.
    assert hashes(folder) == hashes(finished)


def test_one_more_patient_needs_no_code(finished, tmp_path):
    folder = project(tmp_path / "project")
    assert repro(folder, "demo").returncode == 0
    raw = folder / "data" / "raw" / "demo"
    manifest = read_csv(raw / "manifest.csv", text_columns=["patient_id"])
    clinical = read_csv(raw / "clinical.csv", text_columns=["patient_id"])
    first = manifest["patient_id"].iloc[0]
    new = manifest[manifest["patient_id"] == first].head(1).assign(patient_id="NEW")
    image = raw / new["image"].iloc[0]
    changed = image.with_name("new.png")
    changed.write_bytes(image.read_bytes())
    # One pixel differs, or the audit would rightly call it the same image.
    with Image.open(changed) as picture:
        picture.putpixel((0, 0), 255 - picture.getpixel((0, 0)))
        picture.save(changed)
    new = new.assign(image=str(changed.relative_to(raw)))
    own = folder / "data" / "raw" / "own"
    shutil.copytree(raw, own)
    pd.concat([manifest, new]).to_csv(own / "manifest.csv", index=False)
    more = clinical[clinical["patient_id"] == first].assign(patient_id="NEW")
    pd.concat([clinical, more]).to_csv(own / "clinical.csv", index=False)
    edit(folder, {"cohort": {"root": "data/raw/own", "reports": "reports/own"}})

    done = repro(folder, "radiomics", "split", workers=2)

    assert done.returncode == 0, done.stderr[-3000:]
    for name in ("patients.csv", "splits.csv"):
        assert "NEW" in set(read_csv(folder / "data" / name, text_columns=["patient_id"])["patient_id"])
    images = read_csv(folder / "data" / "cohort.csv", text_columns=["patient_id"])
    (image,) = images.loc[images["patient_id"] == "NEW", "image_id"]
    features = read_table(folder / "data" / "features" / "radiomics.csv", RADIOMICS).set_index("image_id")
    assert features.loc[image, "status"] == "ok"
