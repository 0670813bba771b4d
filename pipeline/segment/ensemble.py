"""The ensemble of the networks of all folds on the held-out cohorts: the mean of their probabilities."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.contracts.data.split import ALL
from pipeline.contracts.reports.segment import ENSEMBLE
from pipeline.foundation.images import read_image
from pipeline.segment.cases import Segmented, SegmentPlan, scored_row
from pipeline.segment.frames import at_own_size, frame_of
from pipeline.segment.postprocess import postprocessed


def ensemble_rows(results: Sequence[Segmented], *, plan: SegmentPlan) -> list[dict[str, Any]]:
    """The rows of the ensemble of each network, of every image that all its folds have predicted."""
    rows = []
    for network in sorted({result.job.network for result in results}):
        folds = [one for one in results if one.job.network == network and one.probabilities]
        shared = set.intersection(*(set(one.probabilities) for one in folds)) if folds else set()
        rows += [_row(folds, image=image, plan=plan) for image in sorted(shared)]
    return rows


def _row(folds: Sequence[Segmented], *, image: str, plan: SegmentPlan) -> dict[str, Any]:
    picture = next(one for pictures in plan.pictures.values() for one in pictures if one.image_id == image)
    stacked = np.stack([fold.probabilities[image].astype(np.float32) for fold in folds])
    mean = np.asarray(stacked.mean(axis=0), dtype=np.float32)
    frame = frame_of(read_image(picture.image), params=plan.params.input)
    mask = postprocessed(at_own_size(mean, frame), params=plan.params.postprocess)
    evaluation = folds[0].job.extra[picture.patient_id].replace("folds_", "ensemble_")
    job = replace(folds[0].job, resample=ENSEMBLE, part=ALL)
    return scored_row(mask, picture, job=job, evaluation=evaluation, plan=plan)


def all_rows(results: Iterable[Segmented], *, plan: SegmentPlan) -> list[dict[str, Any]]:
    """The rows of all cases, and those of the ensembles."""
    kept = list(results)
    return [row for result in kept for row in result.rows] + ensemble_rows(kept, plan=plan)
