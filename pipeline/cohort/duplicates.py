"""Patients that share an image: found by pixel hash, joined into one group that no split may separate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.cohort.findings import Finding, error, warning


@dataclass(frozen=True, kw_only=True)
class HashedImage:
    """One image in the search for duplicates: its patient, and the hashes of its voxels and of its mask."""

    image_id: str
    patient_id: str
    pixels: str
    mask: str


def connected_groups(patients: Iterable[str], *, links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The group of each patient: the smallest id among the patients connected to it by `links`, itself included."""
    parent = {patient: patient for patient in patients}

    def root(patient: str) -> str:
        while parent[patient] != patient:
            parent[patient] = parent[parent[patient]]
            patient = parent[patient]
        return patient

    for one, other in links:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {patient: root(patient) for patient in sorted(parent)}


def repeated(images: Iterable[HashedImage]) -> list[list[HashedImage]]:
    """Groups of images with identical voxels, each group in order of image_id."""
    by_pixels: dict[str, list[HashedImage]] = {}
    for image in sorted(images, key=lambda image: image.image_id):
        by_pixels.setdefault(image.pixels, []).append(image)
    return [same for same in by_pixels.values() if len(same) > 1]


def patient_links(repeats: Iterable[Sequence[HashedImage]]) -> list[tuple[str, str]]:
    """Pairs of different patients that share an image."""
    links = set()
    for same in repeats:
        first, *others = sorted({image.patient_id for image in same})
        links |= {(first, other) for other in others}
    return sorted(links)


def duplicate_findings(repeats: Iterable[Sequence[HashedImage]], *, patients: pd.DataFrame) -> list[Finding]:
    """One or more findings for each group of identical images.

    Within a patient or across patients: a warning. Contradictory labels, or two declared cohorts: an error.
    `patients` has the columns patient_id, label, cohort.
    """
    table = patients.drop_duplicates("patient_id").set_index("patient_id")
    found: list[Finding] = []
    for same in repeats:
        owners = sorted({image.patient_id for image in same})
        for owner in owners:
            found += _within([image for image in same if image.patient_id == owner])
        if len(owners) > 1:
            found += _across(same, rows=table.reindex(owners))
    return found


def _names(same: Sequence[HashedImage]) -> str:
    return ", ".join(image.image_id for image in same)


def _within(own: Sequence[HashedImage]) -> list[Finding]:
    if len(own) < 2:
        return []
    if len({image.mask for image in own}) == 1:
        masks = "the same mask; the image is weighted more than once in the patient's mean: exclude all but one"
    else:
        masks = "different masks; they count as separate images of this patient"
    message = f"images {_names(own)} of patient {own[0].patient_id} have identical voxels and {masks}"
    return [warning(own[0].image_id, scope="image", check="duplicate_within_patient", message=message)]


def _across(same: Sequence[HashedImage], *, rows: pd.DataFrame) -> list[Finding]:
    """Findings about one image of several patients; `rows` are those of the patients, indexed by patient_id."""
    first, names = same[0].image_id, _names(same)
    found = [
        warning(
            first,
            scope="image",
            check="duplicate_across_patients",
            message=f"images {names} of patients {', '.join(rows.index)} have identical voxels; "
            "the patients are kept together in every split",
        )
    ]
    labels = _given(rows["label"])
    if len(set(labels.values())) > 1:
        values = ", ".join(f"patient {owner} = {float(label):g}" for owner, label in labels.items())
        message = f"images {names} have identical voxels and contradictory labels ({values}); "
        message += "correct the label or exclude the images"
        found.append(error(first, scope="image", check="duplicate_contradictory_labels", message=message))
    cohorts = _given(rows["cohort"])
    if len(set(cohorts.values())) > 1:
        places = ", ".join(f"patient {owner} in {cohort}" for owner, cohort in cohorts.items())
        message = f"images {names} have identical voxels and are in two cohorts ({places}), so a test patient "
        message += "was used in training; exclude one of them"
        found.append(error(first, scope="image", check="duplicate_across_cohorts", message=message))
    return found


def _given(values: pd.Series) -> dict[Any, Any]:
    present = values[values.notna() & (values.astype("object") != "")]
    return dict(zip(present.index, present, strict=True))
