"""Facts of each lesion image as the pipeline sees it: size, grey levels, sharpness, spacing, source of its mask.

Single numbers that a clinician can check, beside the distances in feature space.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.contracts.data.cohort import WHOLE
from pipeline.contracts.data.crop import GIVEN
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, read_image

Floats = NDArray[np.float64]
SPACING = ("spacing_x_mm", "spacing_y_mm", "spacing_z_mm")
GREY = ("mean", "sd", "p01", "p99")
INTEGER, FLOAT = "integer", "float"
BLOCK_PX = 4  # side of the squares of `coarseness`
# The numbers of `facts_of`; a size in mm is NaN if the spacing is unknown.
FACTS = (
    *("lesion_voxels", "lesion_area_mm2", "lesion_volume_mm3"),
    *(f"{place}_grey_{name}" for place in ("lesion", "crop") for name in GREY),
    *("contrast", "sharpness", "coarseness"),
)
KEYS = ("image_id", "patient_id", "view", "site", "mask_source", "dimension", "voxel_type", *SPACING)


def image_facts(
    rois: pd.DataFrame, *, folder: Path, sites: Mapping[str, str] | pd.Series | None = None
) -> pd.DataFrame:
    """The facts of each ROI of `rois` (`rois.csv`) with status ok, columns KEYS and FACTS, sorted by image.

    `folder` holds the files of the ROIs; `sites` gives the site of an image by image_id (absent = unknown).
    `mask_source` is given, predicted, or full if the mask covers its whole crop. Raises ImageError if a file is missing
    or unreadable.
    """
    rows = []
    numbers = rois.astype(dict.fromkeys(SPACING, "float64"))  # an unknown spacing may be None
    for roi in numbers[numbers["status"] == "ok"].sort_values("image_id").to_dict("records"):
        image, mask = (read_image(folder / str(roi[name])) for name in ("image", "mask"))
        marked = array_of(mask) != 0
        known = roi.get("mask_source", GIVEN)
        about = {name: roi[name] for name in ("image_id", "patient_id", "view", *SPACING)}
        about["site"] = None if sites is None else sites.get(str(roi["image_id"]))
        about["mask_source"] = WHOLE if marked.all() else GIVEN if pd.isna(known) else str(known)
        spacing = tuple(float(roi[name]) for name in SPACING)
        rows.append(about | facts_of(image, marked, spacing_mm=spacing, place=str(roi["image_id"])))
    table = pd.DataFrame(rows, columns=[*KEYS, *FACTS])
    return table.astype(dict.fromkeys((*SPACING, *FACTS), "float64"))


def facts_of(
    image: sitk.Image, marked: NDArray[np.bool_], *, spacing_mm: tuple[float, ...], place: str
) -> dict[str, object]:
    """The facts of one crop. `marked` (z, y, x) or (y, x): the voxels of the lesion; `spacing_mm` (x, y, z), NaN =
    unknown; `place` names the image in errors.

    Raises ImageError if image and mask differ in size, no voxel is marked, or a grey level is not finite.
    """
    voxels = array_of(image)
    grey = np.asarray(voxels, dtype=np.float64)
    if grey.shape != marked.shape or not marked.any() or not np.isfinite(grey).all():
        raise ImageError(
            f"{place}: the crop of {grey.shape} voxels and its mask of {marked.shape} do not fit, no voxel is marked, "
            "or a grey level is not finite; crop the image again"
        )
    dimension = 3 if grey.ndim == 3 and grey.shape[0] > 1 else 2
    voxel = np.array(spacing_mm)[:dimension]
    size = float(marked.sum() * voxel.prod())
    inside, outside, spread = grey[marked], grey[~marked], float(grey.std())
    contrast = (inside.mean() - outside.mean()) / spread if outside.size and spread > 0 else np.nan
    return {
        "dimension": dimension,
        "voxel_type": INTEGER if voxels.dtype.kind in "iu" else FLOAT,
        "lesion_voxels": float(marked.sum()),
        "lesion_area_mm2": size if dimension == 2 else np.nan,
        "lesion_volume_mm3": size if dimension == 3 else np.nan,
        **{f"lesion_grey_{name}": value for name, value in _levels(inside).items()},
        **{f"crop_grey_{name}": value for name, value in _levels(grey).items()},
        "contrast": float(contrast),
        "sharpness": sharpness(grey),
        "coarseness": coarseness(grey),
    }


def _levels(grey: Floats) -> dict[str, float]:
    low, high = np.percentile(grey, (1, 99))
    return dict(zip(GREY, (float(grey.mean()), float(grey.std()), float(low), float(high)), strict=True))


def sharpness(grey: Floats) -> float:
    """The root mean square of the differences between neighbours in x and y, divided by the SD; NaN if all are equal.

    Its square is von Neumann's ratio (Ann Math Stat 1941;12:367-395): 0 for a smooth image, near 2 for voxels without
    any order, whatever the grey scale. `grey` (z, y, x) or (y, x).
    """
    squares = np.concatenate([(np.diff(grey, axis=axis) ** 2).ravel() for axis in (-1, -2)])
    spread = grey.std()
    return float(np.sqrt(squares.mean()) / spread) if squares.size and spread > 0 else np.nan


def coarseness(grey: Floats) -> float:
    """The SD of the means of squares of BLOCK_PX x BLOCK_PX voxels in x and y, divided by the SD of the voxels.

    1 / BLOCK_PX for voxels without any order, near 1 for an image of large structures, whatever the grey scale; it
    changes with the scale of the image. NaN if the crop is less than 2 squares wide or high, or all voxels are equal.
    `grey` (z, y, x) or (y, x).
    """
    rows, columns = (side // BLOCK_PX for side in grey.shape[-2:])
    spread = grey.std()
    if min(rows, columns) < 2 or not spread > 0:
        return np.nan
    whole = grey[..., : rows * BLOCK_PX, : columns * BLOCK_PX]
    squares = whole.reshape(*grey.shape[:-2], rows, BLOCK_PX, columns, BLOCK_PX).mean(axis=(-3, -1))
    return float(squares.std() / spread)
