"""Patients that share a picture: found by pixel hash, joined into one group that no split may separate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.cohort.findings import Finding, error, warning


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image as the search for duplicates sees it: whose it is, and the hashes of its voxels and of its mask."""

    image_id: str
    patient_id: str
    pixels: str
    outline: str


def connected_groups(patients: Iterable[str], *, links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The group of each patient: the smallest id among all patients reached through `links`, alone = its own id."""
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


def repeated(pictures: Iterable[Picture]) -> list[list[Picture]]:
    """The pictures that occur more than once, each with all its images in order of image_id."""
    by_pixels: dict[str, list[Picture]] = {}
    for picture in sorted(pictures, key=lambda p: p.image_id):
        by_pixels.setdefault(picture.pixels, []).append(picture)
    return [same for same in by_pixels.values() if len(same) > 1]


def patient_links(repeats: Iterable[Sequence[Picture]]) -> list[tuple[str, str]]:
    """Pairs of different patients that share a picture."""
    links = set()
    for same in repeats:
        first, *others = sorted({picture.patient_id for picture in same})
        links |= {(first, other) for other in others}
    return sorted(links)


def duplicate_findings(repeats: Iterable[Sequence[Picture]], *, patients: pd.DataFrame) -> list[Finding]:
    """What each repeated picture means for the study.

    Within a patient or across patients: a warning. Contradictory labels, or two declared cohorts: an error.
    `patients` has the columns patient_id, label, cohort.
    """
    table = patients.drop_duplicates("patient_id").set_index("patient_id")
    found: list[Finding] = []
    for same in repeats:
        owners = sorted({picture.patient_id for picture in same})
        for owner in owners:
            found += _within([picture for picture in same if picture.patient_id == owner])
        if len(owners) > 1:
            found += _across(same, rows=table.reindex(owners))
    return found


def _names(same: Sequence[Picture]) -> str:
    return ", ".join(picture.image_id for picture in same)


def _within(own: Sequence[Picture]) -> list[Finding]:
    if len(own) < 2:
        return []
    if len({picture.outline for picture in own}) == 1:
        told = "with the same outline; it weighs more than once in the patient's mean: exclude all but one"
    else:
        told = "with different outlines; they count as separate images of this patient"
    message = f"{_names(own)} of patient {own[0].patient_id} are one picture {told}"
    return [warning(own[0].image_id, scope="image", check="duplicate_within_patient", message=message)]


def _across(same: Sequence[Picture], *, rows: pd.DataFrame) -> list[Finding]:
    """Findings of one picture under several patients; `rows` are theirs, indexed by patient_id."""
    first, names = same[0].image_id, _names(same)
    found = [
        warning(
            first,
            scope="image",
            check="duplicate_across_patients",
            message=f"{names} are one picture of patients {', '.join(rows.index)}; they share every split",
        )
    ]
    labels = _given(rows["label"])
    if len(set(labels.values())) > 1:
        told = ", ".join(f"{owner} = {float(label):g}" for owner, label in labels.items())
        message = f"{names} are one picture with contradictory labels ({told}); correct the label or exclude the images"
        found.append(error(first, scope="image", check="duplicate_contradictory_labels", message=message))
    cohorts = _given(rows["cohort"])
    if len(set(cohorts.values())) > 1:
        told = ", ".join(f"{owner} in {cohort}" for owner, cohort in cohorts.items())
        message = f"{names} are one picture in two cohorts ({told}), so that a test patient is known from training; "
        message += "exclude one of them"
        found.append(error(first, scope="image", check="duplicate_across_cohorts", message=message))
    return found


def _given(values: pd.Series) -> dict[Any, Any]:
    present = values[values.notna() & (values.astype("object") != "")]
    return dict(zip(present.index, present, strict=True))
