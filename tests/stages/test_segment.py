"""The stage segment on drawn images: what it writes, the same bytes with more workers, and what is one sentence."""

import importlib
import logging
import subprocess
import sys
from unittest.mock import patch

import pandas as pd
import pytest
from drawn_nodules import drawn_study, stage_words, write_glands, write_inputs
from places import ROOT

from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.reports.segment import SEGMENTATION, SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.foundation.errors import CohortError, ParamsError
from pipeline.foundation.images import array_of, read_image
from pipeline.foundation.tables import read_table


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.setenv("FUSION_DEVICE", "cpu")
    monkeypatch.setenv("FUSION_SCRATCH", str(tmp_path / "scratch"))


def run(folder, *, out="made"):
    with patch("sys.argv", ["segment", *stage_words(folder, out=out)]):
        importlib.import_module("stages.segment").main()
    return folder / out


def tables(made):
    contracts = {"": SEGMENTATION, "_summary": SEGMENTATION_SUMMARY, "_tests": SEGMENTATION_TESTS}
    found = [read_table(made / "tables" / f"segmentation{name}.csv", one) for name, one in contracts.items()]
    return *found, read_table(made / "masks.csv", MASKS)


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_missing_masks_are_predicted_out_of_fold_with_the_same_bytes_by_two_workers(tmp_path, monkeypatch):
    study = drawn_study(tmp_path, without=(3, 13))
    made = run(write_inputs(tmp_path, study, mask_source="given_else_predicted"))
    rows, _, tests, masks = tables(made)
    splits = pd.read_csv(tmp_path / "splits.csv")

    assert tests.empty
    assert len(masks) == len(rows) == len(splits)  # every patient of every resample, once
    assert sorted(masks.loc[masks["used"] == 1, "image_id"].unique()) == ["p03", "p13"]
    assert rows.loc[rows["image_id"] == "p03", "dice"].isna().all()
    assert set(rows.loc[rows["image_id"] == "p03", "mask_source"]) == {"predicted"}
    for row in masks.itertuples():
        assert (array_of(read_image(made / "masks" / row.mask)) != 0).sum() == row.n_voxels
    assert not (tmp_path / "scratch" / "segment").exists() or not files_of(tmp_path / "scratch" / "segment")

    monkeypatch.setenv("FUSION_WORKERS", "2")
    assert files_of(run(tmp_path, out="two")) == files_of(made)


def test_a_bright_nodule_is_found_on_patients_never_seen(tmp_path):
    write_inputs(tmp_path, drawn_study(tmp_path), training={"epochs": 12, "batch_size": 2})
    _, summary, _, masks = tables(run(tmp_path))
    estimate = summary.set_index(["evaluation", "metric"])["estimate"]

    assert estimate["internal", "dice_mean"] > 0.8
    assert estimate["cv", "dice_mean"] > 0.6  # trained on half as many
    assert masks.empty


def test_nothing_to_do_reads_no_image(tmp_path, caplog):
    write_inputs(tmp_path, drawn_study(tmp_path), networks=[])
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    caplog.set_level(logging.INFO)
    made = run(tmp_path)

    assert all(table.empty for table in tables(made))
    assert sorted(files_of(made)) == [
        "masks.csv",
        "masks/no_masks.txt",
        "networks/no_networks.txt",
        "tables/segmentation.csv",
        "tables/segmentation_summary.csv",
        "tables/segmentation_tests.csv",
    ]
    assert "passed over: params/segment.yaml names no network" in caplog.text


def test_an_empty_prediction_is_a_row_with_its_reason(tmp_path, caplog):
    sets = {"one": ["radiomics_predicted"]}
    write_inputs(tmp_path, drawn_study(tmp_path, n=12), sets=sets, postprocess={"min_area_px": 4000})
    caplog.set_level(logging.WARNING)
    rows, summary, _, masks = tables(run(tmp_path))

    assert set(rows["status"]) == set(masks["status"]) == {"empty"}
    assert rows["reason"].str.contains("marks no voxel as lesion after post-processing").all()
    assert not masks["used"].any()  # the set needs them, the study itself does not
    estimate = summary.set_index(["evaluation", "metric"])["estimate"]
    assert (estimate["internal", "n_empty_predicted"], estimate["internal", "dice_mean"]) == (3, 0)
    assert caplog.text.count("empty by unet") == len(rows)


def test_volumes_slice_by_slice_and_several_networks_with_an_ensemble(tmp_path):
    gland = {"use": True, "root": str(write_glands(tmp_path / "g")), "block_frames": 2, "held_out": 0.25}
    study = drawn_study(tmp_path, n=12, slices=3)
    write_inputs(tmp_path, study, networks=["unet", "trfe"], gland=gland, folds_on_test=True)
    rows, summary, tests, masks = tables(run(tmp_path))

    assert masks.empty
    assert set(summary["evaluation"]) == {"cv", "internal", "folds_internal", "ensemble_internal"}
    assert set(tests["evaluation"]) == set(summary["evaluation"])
    folds = summary[(summary["evaluation"] == "folds_internal") & (summary["metric"] == "dice_mean")]
    assert (folds["n_resamples"] == 2).all()
    assert folds["sd_folds"].notna().all()
    assert rows["given_voxels"].min() > 200  # the slice in the middle
    assert rows.loc[rows["status"] == "ok", "hd95_mm"].notna().all()


def test_an_image_that_fails_for_one_network_leaves_the_other_tables(tmp_path, monkeypatch, caplog):
    from pipeline.segment import cases

    def failing(mask, picture, *, job, **given):
        if job.network == "mtnet" and picture.image_id == "p10" and mask is not None:
            raise cases.ImageError("cannot be scored")
        return scored(mask, picture, job=job, **given)

    scored = cases.scored_row
    monkeypatch.setattr(cases, "scored_row", failing)
    study = drawn_study(tmp_path, n=12, glands=tuple(range(9)))
    write_inputs(tmp_path, study, networks=["unet", "mtnet"])
    caplog.set_level(logging.WARNING)
    rows, summary, tests, _ = tables(run(tmp_path))

    assert rows.loc[rows["status"] == "failed", ["network", "image_id", "reason"]].values.tolist() == [
        ["mtnet", "p10", "cannot be scored"]
    ]
    assert set(tests["evaluation"]) == {"cv"}
    assert {"cv", "internal"} == set(summary["evaluation"])
    assert "not scored on the same images in evaluation 'internal' (first: image p10" in caplog.text


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"networks": ["trfe"]}, ParamsError, r"trfe learn the gland too, and no image has a mask of it"),
        ({"gland": {"use": True, "root": "nowhere"}}, CohortError, "nowhere: there are no images of the gland"),
        ({"networks": [], "sets": {"one": ["radiomics_predicted"]}}, ParamsError, "key 'networks' is empty; name the"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(change, kind, sentence, tmp_path):
    write_inputs(tmp_path, drawn_study(tmp_path, n=12), **change)

    with pytest.raises(kind, match=sentence) as error:
        run(tmp_path)
    assert "\n" not in str(error.value)


def test_no_given_mask_and_all_to_be_predicted_is_one_sentence(tmp_path):
    study = drawn_study(tmp_path, n=12, without=tuple(range(12)))
    write_inputs(tmp_path, study, mask_source="predicted")

    with pytest.raises(
        CohortError, match="no image has a given mask, and segmentation networks learn from given masks"
    ):
        run(tmp_path)


def test_a_stage_that_is_passed_over_imports_no_torch():
    code = "import sys, stages.segment; assert not {'torch', 'monai', 'sklearn'} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
