"""Any study that makes sense runs from its source to the verdict: each test is one kind of study."""

import logging

import pandas as pd
import pytest
from any_run import AnyRun, some

BLOCK = {"manifest": {"blocks": {"deep": {"table": "deep.csv", "trained_on": "nobody"}}}}


@pytest.fixture(autouse=True)
def _one_process(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.setenv("FUSION_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)


def rows(name):
    return pd.read_csv(name, dtype="str")


def finished(run):
    """Run the study; its lights, none of which is red."""
    run.all()
    lights = run.lights()
    assert "red" not in lights.values()
    assert "<html" in run.page()
    return lights


def test_no_network_and_one_view(tmp_path):
    lights = finished(AnyRun(tmp_path, params={}, study=some()))

    assert lights["networks_apart"] == "grey"
    assert lights["shape_alone"] != "grey"


def test_clinical_and_ready_made_blocks_only(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    sets = {"clinical": ["clinical"], "combined": ["clinical", "deep"]}
    lights = finished(AnyRun(tmp_path, params={"cohort": BLOCK, "fusion": {"sets": sets}}, study=some()))

    assert lights["shape_alone"] == "grey"
    assert "extraction" not in lights
    for name in ("features/radiomics", "dictionary", "repeats", "agreement"):
        assert rows(f"data/{name}.csv").empty
    assert caplog.text.count("passed over: no set of params/fusion.yaml uses radiomics") == 2


def test_a_network_without_radiomics(tmp_path):
    sets = {"clinical": ["clinical"], "combined": ["clinical", "carnet"], "carnet": ["carnet"]}
    params = {"embed": {"nets": ["carnet"]}, "fusion": {"sets": sets}}
    lights = finished(AnyRun(tmp_path, params=params, study=some()))

    assert lights["networks_apart"] == "green"
    assert set(rows("reports/own/tables/explain.csv")["network"]) == {"carnet"}


def test_radiomics_only_without_a_clinical_table(tmp_path):
    params = {
        "cohort": {"manifest": {"clinical": None}},
        "fusion": {"sets": {"radiomics": ["radiomics"]}},
        "compare": {"primary": None},
        "selftest": {"feature_set": "radiomics"},
    }
    finished(AnyRun(tmp_path, params=params, study=some()))

    assert rows("reports/own/tables/explain.csv").empty


def test_no_internal_cohort(tmp_path):
    run = AnyRun(tmp_path, params={"compare": {"primary": {"evaluation": "external"}}}, study=some())
    run.edit_manifest(cohort=["train" if i < 28 else "external" for i in range(40)])
    finished(run)

    assert set(rows("reports/own/tables/metrics.csv")["evaluation"]) == {"cv", "external"}


def test_cross_validation_alone(tmp_path):
    params = {"split": {"holdout_fraction": 0.0}, "compare": {"primary": None}}
    finished(AnyRun(tmp_path, params=params, study=some()))

    assert set(rows("reports/own/tables/metrics.csv")["evaluation"]) == {"cv"}


def test_whole_images_without_masks(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run = AnyRun(tmp_path, params={"cohort": {"manifest": {"roi": "full"}}}, study=some())
    run.edit_manifest(mask=None)
    lights = finished(run)

    assert {lights[name] for name in ("shape_alone", "shifted_roi", "frame_alone")} == {"grey"}
    assert rows("data/repeats.csv").empty
    features = rows("data/features/radiomics.csv")
    assert features["original_firstorder_Mean"].notna().all()
    assert features.filter(like="_shape").isna().all(axis=None)
    assert caplog.text.count("every mask covers its whole image") == 3  # split, radiomics, agreement


def test_volumes(tmp_path):
    params = {
        "radiomics": {"preset": "ct3d", "settings": None},
        "embed": {"nets": ["carnet"]},
        "fusion": {"sets": {"clinical": ["clinical"], "combined": ["clinical", "radiomics", "carnet"]}},
        "selftest": {"control_voxels": 200_000},
    }
    run = AnyRun(tmp_path, params=params, study=some())
    run.as_volumes()
    lights = finished(run)

    assert lights["engine"] == "green"
    features = rows("data/features/radiomics.csv")
    assert len(features.columns) == 3 + 1130
    assert (features["status"] == "ok").all()


@pytest.mark.parametrize("preset", ["us2d", "paper1357", "onekey1561"])
def test_a_preset_on_2d_images(preset, tmp_path):
    params = {"radiomics": {"preset": preset, "settings": None}, "selftest": {"control_voxels": 200_000}}
    finished(AnyRun(tmp_path, params=params, study=some()))

    counts = {"us2d": 1311, "paper1357": 1357, "onekey1561": 1561}
    assert len(rows("data/features/radiomics.csv").columns) == 3 + counts[preset]


def test_masks_are_predicted_where_none_is_given_and_regions_are_blocks(tmp_path):
    sets = {
        "radiomics": ["radiomics"],
        "radiomics_predicted": ["radiomics_predicted"],
        "combined": ["clinical", "radiomics", "habitat", "peritumoral"],
    }
    params = {
        "cohort": {"manifest": {"no_outline": "keep"}},
        "segment": {"mask_source": "given_else_predicted", "networks": ["unet"]},
        "habitat": {"k": 2, "radiomics": None, "voxels_per_patient": 20, "n_init": 1},
        "embed": {"nets": ["carnet"]},
        "fusion": {"sets": sets | {"carnet": ["carnet"]}},
        "compare": {"primary": {"feature_set": "combined", "comparator": "radiomics", "evaluation": "internal"}},
    }
    run = AnyRun(tmp_path, params=params, study=some())
    masks = rows("source/manifest.csv")["mask"]
    run.edit_manifest(mask=masks.mask(masks.index % 5 == 0))  # every fifth has none
    lights = finished(run)

    assert (lights["masks_apart"], lights["habitat_clusters"], lights["networks_apart"]) == ("green",) * 3
    rois, by_resample = rows("data/rois.csv"), rows("data/predicted_rois.csv")
    assert (rois["mask_source"] == "predicted").sum() == len(range(0, 40, 5))
    assert set(by_resample["resample"]) == {"cv-1-1", "cv-1-2", "final"}
    assert len(rows("reports/own/tables/segmentation.csv"))
    assert {"radiomics_predicted", "combined"} <= set(rows("reports/own/tables/metrics.csv")["feature_set"])
