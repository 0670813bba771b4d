"""The lesions of a study: which ROI each image has in each resample (that of a given mask in all of them)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError, PipelineError
from pipeline.foundation.fingerprints import file_sha256
from pipeline.foundation.images import array_of, read_image

SPACING = ("spacing_x_mm", "spacing_y_mm", "spacing_z_mm")


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """The ROI of one image: files, status and reason of `crop`, (x, y[, z]) spacing (empty = unknown), size."""

    image_id: str
    patient_id: str
    image: Path
    mask: Path
    status: str
    reason: str | None
    spacing_mm: tuple[float, ...]
    n_voxels: int

    @property
    def in_mm(self) -> bool:
        """Whether the spacing is known."""
        return bool(self.spacing_mm)

    @property
    def files(self) -> tuple[str, str, bool]:
        """What its features depend on: the hashes of image and mask, and whether distances are in mm."""
        return file_sha256(self.image), file_sha256(self.mask), self.in_mm


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A patient with the usable lesions of one resample, by image_id."""

    patient_id: str
    lesions: tuple[Lesion, ...]


def lesions_of(rois: pd.DataFrame, *, folder: Path) -> list[Lesion]:
    """One lesion per row of `rois.csv`, sorted by image_id, file names joined to `folder`."""
    return [
        Lesion(
            image_id=row["image_id"],
            patient_id=row["patient_id"],
            image=folder / str(row["image"]),
            mask=folder / str(row["mask"]),
            status=row["status"],
            reason=None if pd.isna(row["reason"]) else row["reason"],
            spacing_mm=_spacing(row),
            n_voxels=0 if pd.isna(row["n_voxels"]) else int(row["n_voxels"]),
        )
        for row in rois.sort_values("image_id").to_dict("records")
    ]


def _spacing(row: Mapping[str, Any]) -> tuple[float, ...]:
    """The spacing along the axes of a frame or a volume; empty if one of them is unknown."""
    axes = SPACING[: 3 if not pd.isna(row["depth_px"]) and int(row["depth_px"]) > 1 else 2]
    return () if any(pd.isna(row[name]) for name in axes) else tuple(float(row[name]) for name in axes)


def patients_of(lesions: Iterable[Lesion]) -> dict[str, Patient]:
    """The patients with a usable lesion, by patient_id."""
    found: dict[str, list[Lesion]] = {}
    for one in lesions:
        if one.status == "ok":
            found.setdefault(one.patient_id, []).append(one)
    return {name: Patient(patient_id=name, lesions=tuple(own)) for name, own in sorted(found.items())}


def read_lesion(lesion: Lesion) -> tuple[sitk.Image, NDArray[np.bool_]]:
    """The image of the ROI and its mask as an array.

    Raises PipelineError if a file is damaged, since `crop` wrote it whole; ImageError if a voxel is not finite.
    """
    try:
        image, mask = read_image(lesion.image), read_image(lesion.mask)
    except ImageError as error:
        raise PipelineError(f"{error}; crop wrote this file whole: check the disk, and run crop again") from error
    inside = array_of(mask) != 0
    if inside.shape != array_of(image).shape:
        raise ImageError(f"the mask's size {mask.GetSize()} differs from the image's size {image.GetSize()}")
    if broken := int(np.count_nonzero(~np.isfinite(array_of(image)))):
        raise ImageError(f"the crop holds {broken} NaN or infinite voxels")
    return image, inside
