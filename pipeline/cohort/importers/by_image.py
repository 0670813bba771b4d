"""Sources without patient ids: each image is its own patient, which the report states."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.cohort.findings import Finding, Scope, Severity
from pipeline.cohort.importers.source import LesionSource, Source, SourceImage
from pipeline.contracts.data.cohort import FOLD


@dataclass(frozen=True, kw_only=True)
class LabelledImage:
    """One image that is its own patient."""

    image_id: str
    image: Path
    label: int | None
    lesion: LesionSource | None
    cohort: str | None = None
    fold: int | None = None


def source_by_image(images: Iterable[LabelledImage], *, findings: list[Finding]) -> Source:
    """A source whose patients are its images, sorted by image_id; nothing is dropped here.

    The patients have the column FOLD if an image has a fold.
    """
    ordered = sorted(images, key=lambda image: image.image_id)
    table = pd.DataFrame(
        [{"patient_id": i.image_id, "label": i.label, "site": None, "cohort": i.cohort} for i in ordered],
        columns=["patient_id", "label", "site", "cohort"],
    )
    table = table.astype({"patient_id": "str", "label": "Int64", "site": "str", "cohort": "str"})
    if any(image.fold is not None for image in ordered):
        table[FOLD] = pd.array([image.fold for image in ordered], dtype="Int64")
    return Source(
        images=[
            SourceImage(image_id=i.image_id, patient_id=i.image_id, image=i.image, lesion=i.lesion) for i in ordered
        ],
        patients=table,
        findings=findings,
        has_patient_ids=False,
    )


def fault(place: str, *, check: str, message: str, scope: Scope = "image", severity: Severity = "error") -> Finding:
    """A finding of an importer; an error by default."""
    return Finding(scope=scope, id=place, check=check, severity=severity, message=message)
