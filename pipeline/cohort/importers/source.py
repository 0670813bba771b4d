"""The result of every importer: the images and lesion sources of each patient, and the importer's findings."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from pipeline.cohort.findings import Dropped, Finding

Polygon = tuple[tuple[float, float], ...]  # (x_px, y_px) corners


@dataclass(frozen=True, kw_only=True)
class LesionSource:
    """What marks the lesion of an image: mask files (several are united), polygons in pixels, or the whole image."""

    kind: Literal["files", "polygons", "full"]
    files: tuple[Path, ...] = ()
    polygons: tuple[Polygon, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SourceImage:
    """One image of one patient as the source gives it; `lesion` None = the source has no mask or contour."""

    image_id: str  # unique in the cohort; letters, digits, '.', '_' and '-' only
    patient_id: str
    image: Path
    lesion: LesionSource | None
    gland_mask: Path | None = None
    second_mask: Path | None = None  # the lesion as drawn by a second reader
    view: str = "main"
    site: str = ""


@dataclass(kw_only=True)
class Source:
    """Everything that an importer read.

    `patients` has one row per patient: patient_id (text), label (Int64: 0, 1 or missing), site and cohort (text: train,
    internal, external; missing = NaN), date (text, of the first image; only if the source gives dates), fold
    (Int64; only if the source gives folds), then the clinical columns as given (numbers or text; missing = NaN).
    A case in `dropped` is no longer in `images`, `patients` or `blocks`, and no finding repeats its rule.
    """

    images: list[SourceImage]
    patients: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    # False = the source has no patient ids, and each image is its own patient.
    has_patient_ids: bool = True
    blocks: dict[str, pd.DataFrame] = field(default_factory=dict)  # ready-made feature tables by patient_id
    trained_on: dict[str, str] = field(default_factory=dict)  # of each block, as declared by the user
