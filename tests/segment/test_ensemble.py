"""The mean of the probabilities of all folds, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_nodules import plan_of, segment_params

from pipeline.foundation.images import array_of, read_image
from pipeline.segment.cases import Segmented
from pipeline.segment.ensemble import all_rows, ensemble_rows
from pipeline.segment.jobs import segment_jobs

BACKGROUND, LESION = 0.1, 0.9


@pytest.fixture
def study(tmp_path):
    plan, splits = plan_of(tmp_path, params=segment_params(input={"image_size_px": 48}))
    return plan, segment_jobs(splits, networks=("unet",), masks_by="unet", folds_on_test=True)


def by_fold(jobs, *probabilities):
    folds = [job for job in jobs if job.extra]
    found = [
        Segmented(job=job, rows=[], card={}, losses=[], probabilities={name: one[None] for name, one in own.items()})
        for job, own in zip(folds, probabilities, strict=True)
    ]
    return [*found, *(Segmented(job=job, rows=[], card={}, losses=[]) for job in jobs if not job.extra)]


def test_the_mean_of_two_folds_decides(study):
    plan, jobs = study
    given = array_of(read_image(plan.pictures["P12"][0].lesion)) != 0
    sure = np.where(given, LESION, BACKGROUND).astype(np.float16)
    half = sure.copy()
    half[:, :24] = 0.05  # 0.475 with the other fold: the left half of the lesion is lost
    (row,) = ensemble_rows(by_fold(jobs, {"p12": sure}, {"p12": half}), plan=plan)

    kept = given[:, 24:].sum()
    assert (row["resample"], row["part"], row["evaluation"]) == ("ensemble", "all", "ensemble_internal")
    assert (row["predicted_voxels"], row["intersection_voxels"]) == (kept, kept)
    assert row["dice"] == pytest.approx(2 * kept / (kept + given.sum()))
    half[:, :24] = np.where(given[:, :24], 0.15, 0.05)  # a mean of 0.525
    (row,) = all_rows(by_fold(jobs, {"p12": sure}, {"p12": half}), plan=plan)
    assert row["dice"] == 1


def test_an_image_that_one_fold_lacks_has_no_ensemble(study):
    plan, jobs = study
    sure = np.full((48, 48), LESION, np.float16)
    found = by_fold(jobs, {"p12": sure, "p13": sure}, {"p13": sure})

    assert [row["image_id"] for row in ensemble_rows(found, plan=plan)] == ["p13"]
    assert ensemble_rows(found[2:], plan=plan) == []


def test_networks_are_never_mixed(study):
    plan, jobs = study
    sure, none = np.full((48, 48), LESION, np.float16), np.full((48, 48), BACKGROUND, np.float16)
    one = by_fold(jobs, {"p12": sure}, {"p12": sure})
    other = by_fold([replace(job, network="trfe") for job in jobs], {"p12": none}, {"p12": none})

    assert [(row["network"], row["status"]) for row in ensemble_rows([*one, *other], plan=plan)] == [
        ("trfe", "empty"),
        ("unet", "ok"),
    ]
