"""One case: what it trains on, predicts and scores, and what stops it."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_nodules import drawing, plan_of, segment_params, write_glands

from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import image_from, write_image
from pipeline.networks.inputs import IMAGENET
from pipeline.segment.cases import EMPTY, SegmentPlace, normalisation_of, scored_row, segment_case, source_of
from pipeline.segment.jobs import segment_jobs
from pipeline.segment.pictures import gland_pictures

PLACE = SegmentPlace(device="cpu")


def jobs_of(splits, *, networks=("unet",), masks_by="unet", folds_on_test=False):
    made = segment_jobs(splits, networks=networks, masks_by=masks_by, folds_on_test=folds_on_test)
    return {job.name: job for job in made}


def test_a_case_has_a_row_per_image_it_predicts_and_a_card(tmp_path):
    plan, splits = plan_of(tmp_path, params=segment_params(folds_on_test=True), masks_by="unet", without=(2, 13))
    job = jobs_of(splits, folds_on_test=True)["unet/cv-1-1_all"]
    found = segment_case(job, plan=plan, place=PLACE)
    rows = {row["image_id"]: row for row in found.rows}

    assert set(rows) == {name.lower() for name in (*job.predicted, *job.extra)}
    assert {row["evaluation"] for row in found.rows} == {"cv", "folds_internal"}
    assert set(found.masks) == {name.lower() for name in job.predicted}
    assert set(found.probabilities) == {name.lower() for name in job.extra}
    assert found.masks["p03" if "P03" in job.predicted else min(found.masks)].shape == (48, 48)
    assert np.isnan(rows["p13"]["given_voxels"])
    assert rows["p12"]["given_voxels"] == drawing(12)[1].sum()
    taught = sorted(job.trained - {"P02"})
    assert found.card["trained_ids_sha256"] == fingerprint(taught)
    assert (found.card["n_patients"], found.card["n_slices"]) == (len(taught), len(taught))
    assert [one["epoch"] for one in found.losses] == [1]
    assert not found.weights


def test_weights_are_kept_of_final_alone_and_the_seed_is_of_the_job(tmp_path):
    plan, splits = plan_of(tmp_path, params=segment_params())
    first, second = (segment_case(jobs_of(splits)[f"unet/final_{part}"], plan=plan, place=PLACE) for part in "ab")

    assert first.weights
    assert first.card["seed"] != second.card["seed"]


def test_a_network_with_a_gland_prior_is_scored_on_blocks_it_has_not_seen(tmp_path):
    gland = {"use": True, "root": str(write_glands(tmp_path / "g", n=8)), "block_frames": 2, "held_out": 0.25}
    params = segment_params(networks=["trfe", "unet"], gland=gland)
    plan, splits = plan_of(tmp_path, params=params, glands=gland_pictures(params.gland), without=(2,), glands_of=(2, 3))
    trfe, unet = (
        segment_case(jobs_of(splits, networks=(name,))[f"{name}/final_all"], plan=plan, place=PLACE).card
        for name in params.networks
    )

    assert len(trfe["gland_blocks_held_out"]) == 1
    assert 0 <= trfe["gland_dice_mean"] <= 1
    assert (trfe["n_patients"], trfe["n_slices"]) == (12, 12 + 6)
    assert (unet["n_patients"], unet["n_slices"], unet["gland_dice_mean"]) == (11, 11, None)


def test_an_empty_prediction_is_a_row_with_its_reason(tmp_path):
    strict = segment_params(postprocess={"threshold": 1 - 1e-9})
    plan, splits = plan_of(tmp_path, params=strict, masks_by="unet")
    found = segment_case(jobs_of(splits)["unet/cv-1-1_a"], plan=plan, place=PLACE)

    assert {(row["status"], row["reason"], row["dice"], row["evaluation"]) for row in found.rows} == {
        ("empty", EMPTY, 0.0, "other_half")
    }
    assert not any(mask.any() for mask in found.masks.values())
    assert len(found.masks) == len(found.rows)


def test_an_image_that_cannot_be_read_or_scored_is_a_row_and_stops_no_other(tmp_path):
    plan, splits = plan_of(tmp_path, params=segment_params(parity=True), masks_by="unet")
    job = jobs_of(splits)["unet/final_all"]
    broken, volume, *_ = (plan.pictures[name][0] for name in job.predicted)
    broken.image.write_text("no image")
    for path, plane in ((volume.image, drawing(1)[0]), (volume.lesion, drawing(1)[1])):
        write_image(image_from(np.stack([plane, plane])), path)
    rows = segment_case(job, plan=plan, place=PLACE).rows

    assert [row["status"] for row in rows[:2]] == ["failed", "failed"]
    assert rows[0]["reason"].startswith(f"{broken.image.name}: not readable as an image (")
    assert rows[1]["reason"].startswith("the published metrics (parity: true) are of images, and this is a volume")
    assert "failed" not in {row["status"] for row in rows[2:]}
    assert {row["parity"] for row in rows} == {1}


def test_a_step_known_along_some_axes_is_no_spacing(tmp_path):
    plan, splits = plan_of(tmp_path, params=segment_params(), slices=3)
    picture = replace(plan.pictures["P01"][0], spacing_mm=(0.5, 0.5))
    given = np.repeat(drawing(1)[1][None], 3, axis=0) * np.array([0, 1, 0], np.uint8)[:, None, None]
    job = jobs_of(splits)["unet/final_all"]
    row, known = (
        scored_row(given, one, job=job, evaluation="internal", plan=plan) for one in (picture, plan.pictures["P01"][0])
    )

    assert row["dice"] == known["dice"] == 1
    assert np.isnan(row["hd95_mm"])
    assert known["hd95_mm"] == 0


def test_too_few_lesions_are_one_sentence_that_names_the_job(tmp_path):
    plan, splits = plan_of(tmp_path, params=segment_params(), without=tuple(range(12)))

    with pytest.raises(
        PipelineError,
        match=r"^network unet, final_all: training images that show .* \(32\) of params/segment.yaml: 0, and",
    ):
        segment_case(jobs_of(splits)["unet/final_all"], plan=plan, place=PLACE)


def test_normalisation_and_source_follow_the_params(tmp_path):
    weights = {"source": "file", "file": "a.safetensors", "sha256": "0" * 64}
    network = {"encoder": "resnet18", "encoder_weights": weights}
    given = segment_params(networks=["encoder_unet"], network=network)
    plan, _ = plan_of(tmp_path, params=given, without=(3,))
    (outlined,), (bare,) = plan.pictures["P02"], plan.pictures["P03"]

    assert normalisation_of("unet", params=given) == "image"
    assert normalisation_of("encoder_unet", params=given) == IMAGENET
    assert normalisation_of("unet", params=segment_params(input={"normalise": "imagenet"})) == "imagenet"
    found = {
        rule: [source_of(one, params=segment_params(mask_source=rule)) for one in (outlined, bare)]
        for rule in ("given", "predicted", "given_else_predicted")
    }
    assert found["given"] == ["given", "given"]
    assert found["predicted"] == ["predicted", "predicted"]
    assert found["given_else_predicted"] == ["given", "predicted"]
