"""Finished cases on disk: read back as they were, trained again if damaged, and never taken for another study's."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_nodules import plan_of, segment_params

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.segment import case_store
from pipeline.segment.case_store import load_segmented, save_segmented, segment_cases, store_key
from pipeline.segment.cases import Segmented, SegmentPlace
from pipeline.segment.jobs import segment_jobs

JOBS_OF_UNET = {"networks": ("unet",), "masks_by": "unet", "folds_on_test": True}


@pytest.fixture
def planned(tmp_path):
    plan, splits = plan_of(tmp_path / "study", params=segment_params(), masks_by="unet")
    return plan, segment_jobs(splits, **JOBS_OF_UNET)


@pytest.fixture
def store(tmp_path):
    return CheckpointStore(tmp_path / "store", key="k")


def made(job):
    random = np.random.default_rng(len(job.name))
    return Segmented(
        job=job,
        rows=[{"image_id": "p00", "dice": 0.1 + 0.2}],
        card={"seed": 3},
        losses=[{"epoch": 1, "train_loss": 0.3}],
        masks={"p00": random.integers(0, 2, (5, 7)).astype(np.uint8), "p01": np.ones((2, 3, 3), np.uint8)},
        probabilities={"p02": random.random((1, 4, 4)).astype(np.float16)},
        weights={"head.weight": torch.ones(2)},
    )


def same(one, other):
    assert (one.rows, one.card, one.losses) == (other.rows, other.card, other.losses)
    for kept, again in (
        (one.masks, other.masks),
        (one.probabilities, other.probabilities),
        (one.weights, other.weights),
    ):
        assert sorted(kept) == sorted(again)
        assert all(np.array_equal(np.asarray(value), np.asarray(again[name])) for name, value in kept.items())
    assert all(mask.dtype == np.uint8 for mask in one.masks.values())


def test_a_case_is_read_back_as_it_was(planned, store):
    job = planned[1][0]
    assert load_segmented(store, job) is None
    save_segmented(store, made(job))

    same(load_segmented(store, job), made(job))


@pytest.mark.parametrize("damage", ["missing", "cut", "of another case"])
def test_a_case_with_damaged_tensors_is_computed_again(damage, planned, store, caplog):
    job = planned[1][0]
    save_segmented(store, made(job))
    path = store.path(job.name, suffix=".safetensors")
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        save_segmented(store, replace(made(planned[1][1]), masks={}))
        path.write_bytes(store.path(planned[1][1].name, suffix=".safetensors").read_bytes())
    caplog.set_level(logging.WARNING)

    assert load_segmented(store, job) is None
    assert f"{job.name}: its tensors are missing or damaged; this network is trained again" in caplog.text
    assert not store.path(job.name, suffix=".json").exists()


def test_only_what_is_missing_is_computed(planned, store, monkeypatch):
    plan, jobs = planned
    for job in jobs[:2]:
        save_segmented(store, made(job))
    computed = []
    monkeypatch.setattr(case_store, "segment_case", lambda job, **_: computed.append(job) or made(job))
    for _ in range(2):
        place = SegmentPlace(device="cpu")
        found = list(segment_cases(jobs, plan=plan, store=store, place=place, workers=1, scheduler=None))

        assert sorted(one.job.name for one in found) == sorted(job.name for job in jobs)
    assert computed == sorted(jobs[2:], key=lambda job: -len(job.trained))  # the longest first


def test_the_store_has_the_name_of_all_that_a_case_depends_on(planned, tmp_path):
    plan, jobs = planned

    def key(**changes):
        return store_key(replace(plan, **changes), jobs=jobs, device="cpu")

    first = key()
    assert first == key()
    others = [key(seed=4), key(parity=True), key(masks_by=None), key(params=segment_params(network={"width": 8}))]
    others += [store_key(plan, jobs=jobs[1:], device="cpu"), store_key(plan, jobs=jobs, device="cuda")]
    image = plan.pictures["P14"][0].image  # of a patient that no network is trained on
    image.write_bytes(image.read_bytes() + b" ")
    assert len({first, key(), *others}) == 8
