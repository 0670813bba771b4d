"""The views of a patient (long and trans, T4 and T11) as one sample: a pair is one row, never two."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.foundation.errors import CohortError
from pipeline.networks.inputs import RoiInputs


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Row of the image of each view, None where the patient lacks the view."""

    patient_id: str
    rows: tuple[int | None, ...]
    resample: str = ""


def check_views(inputs: RoiInputs, *, views: Sequence[str]) -> None:
    """Raise CohortError if no patient of a study has an image of a view: its name must be wrong."""
    if absent := sorted(set(views) - set(inputs.views)):
        there = ", ".join(sorted(set(inputs.views)))
        raise CohortError(
            f"no usable image has the view {', '.join(absent)} that dualview.views in params/embed.yaml names; the "
            f"cohort has the views: {there}"
        )


def pairs_of(inputs: RoiInputs, *, views: Sequence[str]) -> list[Pair]:
    """The pairs of every patient with an image of any of these views, sorted by patient.

    The k-th image of one view is paired with the k-th of the other; a view with fewer images starts again from its
    first, so that every image is in a pair and a patient has as many pairs as images of the view with more (the first
    images of the other view then count more than once). A patient without an image of any view has no pair.
    """
    by_patient: dict[str, list[int]] = {}
    for row, patient in enumerate(inputs.patient_ids):
        by_patient.setdefault(patient, []).append(row)
    tags, pairs = inputs.resamples or ("",) * len(inputs.patient_ids), []
    for patient, own in sorted(by_patient.items()):
        # A patient with a predicted mask has its pairs in each resample, with that resample's mask.
        for resample in sorted({tags[row] for row in own} - {""}) or [""]:
            rows = [row for row in own if tags[row] in ("", resample)]
            each = [[row for row in rows if inputs.views[row] == view] for view in views]
            for number in range(max(map(len, each))):
                chosen = tuple(found[number % len(found)] if found else None for found in each)
                pairs.append(Pair(patient_id=patient, rows=chosen, resample=resample))
    return pairs


def paired(inputs: RoiInputs, *, views: Sequence[str]) -> RoiInputs:
    """The images as pairs: pixels (n, V, P, S, S) with black for a missing view, `present` (n, V)."""
    pairs = pairs_of(inputs, views=views)
    black = np.zeros_like(inputs.pixels[0])
    none = np.empty((0, len(views), *black.shape), dtype=black.dtype)
    return RoiInputs(
        image_ids=tuple(f"pair {number}" for number in range(len(pairs))),
        patient_ids=tuple(pair.patient_id for pair in pairs),
        views=("",) * len(pairs),
        pixels=np.array([[black if row is None else inputs.pixels[row] for row in p.rows] for p in pairs] or none),
        present=np.array([[row is not None for row in p.rows] for p in pairs] or np.empty((0, len(views))), np.bool_),
        resamples=tuple(pair.resample for pair in pairs),
    )
