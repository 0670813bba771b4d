"""explain: the examples are the farthest from the threshold, of each kind, and no patient is named by id."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from places import ROOT

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import AUDIT, COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.reports.compare import CHOSEN as CHOSEN_CONTRACT
from pipeline.contracts.reports.explain import EXPLAIN, TABLES
from pipeline.embed.params import EmbedParams
from pipeline.explain.examples import ExplainParams, choose_patients, kinds, network_name, primary_predictions
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.images import write_image
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.plan.feature_sets import FusionParams

EMBED = load_params(ROOT / "params" / "embed.yaml", EmbedParams)
FUSION = load_params(ROOT / "params" / "fusion.yaml", FusionParams)
SHIPPED = load_params(ROOT / "params" / "explain.yaml", ExplainParams)


def params_of(network):
    return SHIPPED.model_copy(update={"network": network})


def predictions():
    """Eight patients at a threshold of 0.5: three right and one wrong of each class."""
    scores = [0.9, 0.8, 0.5, 0.2, 0.1, 0.3, 0.4, 0.7]
    return pd.DataFrame(
        {
            "feature_set": "combined",
            "model": "lr",
            "resample": "final",
            "patient_id": [f"p{i}" for i in range(8)],
            "evaluation": "external",
            "label": [1, 1, 1, 1, 0, 0, 0, 0],
            "score": scores,
            "threshold": 0.5,
        }
    )


CHOSEN = pd.DataFrame(
    {
        "feature_set": ["combined"],
        "model": ["lr"],
        "kind": ["classifier"],
        "mean_auc": [0.8],
        "sd_auc": [0.1],
        "n_folds": [5],
        "n_candidates": [1],
        "role": ["primary"],
        "evaluation": ["external"],
    }
)


def test_kinds_by_hand():
    # p2 stands on the threshold, which counts as positive.
    assert list(kinds(predictions())) == [
        *["true positive"] * 3,
        "false negative",
        *["true negative"] * 3,
        "false positive",
    ]


def test_farthest_from_the_threshold_first():
    picked = choose_patients(predictions(), examples=2)

    assert list(picked["patient_id"]) == ["p0", "p1", "p7", "p4", "p5", "p3"]
    assert list(picked["kind"]) == [
        *["true positive"] * 2,
        "false positive",
        *["true negative"] * 2,
        "false negative",
    ]


def test_without_a_primary_set_there_is_nothing_to_show():
    assert primary_predictions({}, chosen=CHOSEN.assign(role=None)) is None


def test_a_primary_model_without_predictions_is_an_error():
    with pytest.raises(PipelineError, match="the primary model lr has no prediction in evaluation internal"):
        primary_predictions({"combined": predictions()}, chosen=CHOSEN.assign(evaluation="internal"))


@pytest.mark.parametrize(
    ("named", "feature_set", "found"),
    [
        ("auto", "combined", "densenet121"),
        ("auto", "score", "carnet"),
        ("auto", "clinical", None),
        ("none", "combined", None),
    ],
)
def test_which_network_is_drawn(named, feature_set, found):
    params = params_of(named)

    fusion = FUSION.model_copy(update={"sets": FUSION.sets | {"score": ("clinical", "carnet_logit")}})

    assert network_name(params, embed=EMBED, fusion=fusion, primary_set=feature_set) == found


def test_an_unknown_network_is_named():
    params = params_of("vgg")
    with pytest.raises(PipelineError, match="network vgg is not among nets"):
        network_name(params, embed=EMBED, fusion=FUSION, primary_set="combined")


def study(folder):
    """The files of the stage: eight patients with one image each, one of them without a usable ROI."""
    rois = []
    for number, patient in enumerate(predictions()["patient_id"]):
        grey = sitk.GetImageFromArray(np.random.default_rng(number).integers(0, 255, (40, 40)).astype(np.uint8))
        mask = np.zeros((40, 40), dtype=np.uint8)
        mask[12:28, 10:30] = 1
        write_image(grey, folder / "rois" / f"{patient}_image.nrrd")
        write_image(sitk.GetImageFromArray(mask), folder / "rois" / f"{patient}_mask.nrrd")
        row = {"image_id": f"{patient}_x", "patient_id": patient, "view": "main", "status": "ok"}
        rois.append(row | {"image": f"{patient}_image.nrrd", "mask": f"{patient}_mask.nrrd"})
    rois[3]["status"] = "no_roi"
    table = pd.DataFrame(rois)
    write_table(table.reindex(columns=ROIS.names), folder / "rois.csv", ROIS)
    cohort = table[["image_id", "patient_id", "view", "image"]]
    cohort = cohort.reindex(columns=[c.name for c in COHORT.columns if not c.optional])
    write_table(cohort, folder / "cohort.csv", COHORT)
    ids = table["patient_id"]
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": 0, "site": None, "cohort": None})
    write_table(patients, folder / "patients.csv", PATIENTS)
    audit = AUDIT.empty()
    write_table(audit, folder / "audit.csv", AUDIT)
    write_table(CHOSEN, folder / "chosen.csv", CHOSEN_CONTRACT)
    write_table(predictions(), folder / "predictions" / "combined.csv", PREDICTIONS)
    (folder / "networks").mkdir()


FOLDERS = ("predictions", "rois", "networks", "reduced", "models", "pictures")


def command(folder):
    """The stage without contributions, which need saved models; those are tested in test_results.py."""
    shipped = (ROOT / "params" / "explain.yaml").read_text(encoding="utf-8")
    assert "shap: true" in shipped
    (folder / "explain.yaml").write_text(shipped.replace("shap: true", "shap: false"), encoding="utf-8")
    names = ("embed", "fusion", "common")
    flags = ["--params", str(folder / "explain.yaml")]
    flags += [word for name in names for word in (f"--{name}", str(ROOT / "params" / f"{name}.yaml"))]
    flags += [
        w for name in ("chosen", "cohort", "patients", "audit") for w in (f"--{name}", str(folder / f"{name}.csv"))
    ]
    flags += ["--table", str(folder / "rois.csv"), "--explained", str(folder / "explain.csv")]
    flags += ["--splits", str(folder / "splits.csv"), "--tables", str(folder / "tables")]
    flags += [w for name in FOLDERS for w in (f"--{name}", str(folder / name))]
    return subprocess.run(
        [sys.executable, "-m", "stages.explain", *flags], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_stage_writes_one_picture_per_row_and_reports_patients_without_one(tmp_path):
    study(tmp_path)
    done = command(tmp_path)

    assert done.returncode == 0, done.stderr
    table = read_table(tmp_path / "explain.csv", EXPLAIN)
    assert list(table["kind"]) == [*["true positive"] * 3, "false positive", *["true negative"] * 3]
    assert sorted(file.name for file in (tmp_path / "pictures").iterdir()) == sorted(table["picture"])
    assert list(table["case"])[:2] == ["patient #1", "patient #2"]
    assert table["network"].isna().all()  # the folder of networks is empty
    assert "patient #4 has no usable image to show" in done.stderr
    assert table["waterfall"].isna().all()
    for name, contract in TABLES.items():
        assert read_table(tmp_path / "tables" / f"{name}.csv", contract).empty


def test_stage_without_a_primary_set_writes_empty_tables(tmp_path):
    study(tmp_path)
    write_table(CHOSEN.assign(role=None, evaluation=None), tmp_path / "chosen.csv", CHOSEN_CONTRACT)
    done = command(tmp_path)

    assert done.returncode == 0, done.stderr
    assert "names no primary comparison" in done.stderr
    assert read_table(tmp_path / "explain.csv", EXPLAIN).empty
    assert list((tmp_path / "pictures").iterdir()) == []
    for name, contract in TABLES.items():
        assert read_table(tmp_path / "tables" / f"{name}.csv", contract).empty
