"""Cut the region of interest (ROI) out of each lesion image: the bounding box of its mask plus a margin.

Radiomics needs the surroundings because filters use neighbours: a Laplacian of Gaussian (LoG) reaches about 4 sigma.
PyRadiomics takes sigma in mm, and an image of unknown spacing has spacing 1, so 12 covers sigma 3 in either case.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import SimpleITK as sitk
from numpy.typing import NDArray
from pydantic import Field

from pipeline.contracts.data.crop import GIVEN, PREDICTED, PREDICTED_ROIS, ROIS
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import ImageError, PipelineError, listed
from pipeline.foundation.images import array_of, read_image, write_image
from pipeline.foundation.params import Params
from pipeline.foundation.tables import Contract

AXES = ("x", "y", "z")
SIDES = ("width_px", "height_px", "depth_px")


class CropParams(Params):
    """`params/crop.yaml`."""

    margin_px: int = Field(ge=0, le=512)
    margin_mm: float | None = Field(ge=0, le=200, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Roi:
    """The crop of one image: both images on one grid, first voxel and size in the frame (x, y[, z]), lesion voxels."""

    image: sitk.Image
    mask: sitk.Image
    start_px: tuple[int, ...]
    size_px: tuple[int, ...]
    n_voxels: int


@dataclass(frozen=True, kw_only=True)
class CropCase:
    """One image to crop: its row of `cohort.csv` and where its files are (`mask` None = there is none, and `reason`
    tells why). Its crops go into the folder `place` of the ROIs.
    """

    row: dict[str, object]
    image: Path
    mask: Path | None
    place: str = ""
    reason: str = "the cohort names no mask for this image"


def margins_px(spacing_mm: tuple[float, ...], *, margin_px: int, margin_mm: float | None) -> tuple[int, ...]:
    """The margin along each axis in voxels: at least `margin_px`, and at least `margin_mm` at this spacing."""
    needed_mm = margin_mm or 0.0
    # Rounded first, so that 12 mm at 0.1 mm is 120 voxels and not 121.
    return tuple(max(margin_px, math.ceil(round(needed_mm / step, 6))) for step in spacing_mm)


def bounding_box(mask: NDArray[np.generic]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """First and last index of the non-zero voxels along each array axis.

    `mask` has any number of axes. Raises ImageError if no voxel is marked.
    """
    marked = mask != 0
    if not marked.any():
        raise ImageError("the mask marks no voxel")
    ends = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        along = np.flatnonzero(marked.any(axis=others))
        ends.append((int(along[0]), int(along[-1])))
    return tuple(first for first, _ in ends), tuple(last for _, last in ends)


def crop_roi(image: sitk.Image, mask: sitk.Image, *, margin_px: int, margin_mm: float | None = None) -> Roi:
    """Cut the bounding box of `mask` plus the margin out of both images, clipped at the frame.

    The crops keep spacing, direction and position in space; the mask becomes uint8 0/1.
    Raises ImageError if the sizes differ or the mask is empty.
    """
    if image.GetSize() != mask.GetSize():
        raise ImageError(f"the mask's size {mask.GetSize()} differs from the image's size {image.GetSize()}")
    marked = array_of(mask) != 0
    first, last = (ends[::-1] for ends in bounding_box(marked))  # array order (z, y, x) to image order (x, y, z)
    margin = margins_px(image.GetSpacing(), margin_px=margin_px, margin_mm=margin_mm)
    start = tuple(max(low - pad, 0) for low, pad in zip(first, margin, strict=True))
    stop = tuple(min(high + pad + 1, side) for high, pad, side in zip(last, margin, image.GetSize(), strict=True))
    size = tuple(end - begin for begin, end in zip(start, stop, strict=True))
    binary = sitk.GetImageFromArray(marked.astype(np.uint8))
    binary.CopyInformation(image)
    return Roi(
        image=sitk.RegionOfInterest(image, size, start),
        mask=sitk.RegionOfInterest(binary, size, start),
        start_px=start,
        size_px=size,
        n_voxels=int(marked.sum()),
    )


KEPT = ("image_id", "patient_id", "view", *(f"spacing_{axis}_mm" for axis in AXES))


def crop_cases(cohort: pd.DataFrame, *, images: Path, masks: Path) -> list[CropCase]:
    """One case per row of `cohort.csv`, its file names joined to their folders."""
    return [
        CropCase(
            row={name: row[name] for name in KEPT} | {"mask_source": GIVEN},
            image=images / row["image"],
            mask=None if pd.isna(row["mask"]) else masks / row["mask"],
        )
        for row in cohort.to_dict("records")
    ]


def predicted_cases(cohort: pd.DataFrame, predicted: pd.DataFrame, *, images: Path, masks: Path) -> list[CropCase]:
    """One case per predicted mask; `predicted` as `data/segment/masks.csv`, whose files are in `masks`."""
    about = cohort.set_index("image_id", drop=False)
    cases = []
    for row in predicted.to_dict("records"):
        own = about.loc[row["image_id"]]
        keys = {name: own[name] for name in KEPT} | {"mask_source": PREDICTED, "resample": row["resample"]}
        cases.append(
            CropCase(
                row=keys,
                image=images / own["image"],
                mask=masks / row["mask"] if row["status"] == "ok" else None,
                place=f"predicted/{row['resample']}",
                reason=str(row["reason"]),
            )
        )
    return cases


def crop_case(case: CropCase, *, params: CropParams, rois: Path) -> dict[str, object]:
    """Crop one image, write `<image_id>_image.nrrd` and `<image_id>_mask.nrrd` to `rois`, return its row of `rois.csv`.

    A case that fails gives a row with `status` (no_roi or crop_failed) and `reason`, and no files.
    """
    if case.mask is None:
        return case.row | {"status": "no_roi", "reason": case.reason}
    try:
        image, mask = read_image(case.image), read_image(case.mask)
        roi = crop_roi(image, mask, margin_px=params.margin_px, margin_mm=params.margin_mm)
    except ImageError as error:
        status = "no_roi" if "marks no voxel" in str(error) else "crop_failed"
        reason = str(error).replace(f"{case.image.parent}/", "").replace(f"{case.mask.parent}/", "")
        return case.row | {"status": status, "reason": reason}
    stem = f"{case.place}/{case.row['image_id']}" if case.place else str(case.row["image_id"])
    (rois / case.place).mkdir(parents=True, exist_ok=True)
    names = {kind: f"{stem}_{kind}.nrrd" for kind in ("image", "mask")}
    write_image(roi.image, rois / names["image"])
    write_image(roi.mask, rois / names["mask"])
    start, size = (*roi.start_px, 0)[:3], (*roi.size_px, 1)[:3]  # a 2-D image lies at z = 0 and is one voxel deep
    place = {f"{axis}0_px": value for axis, value in zip(AXES, start, strict=True)}
    extent = dict(zip(SIDES, size, strict=True))
    return case.row | names | {"n_voxels": roi.n_voxels} | place | extent | {"status": "ok"}


def effective_rows(
    given: list[dict[str, object]], predicted: list[dict[str, object]], *, used: frozenset[str]
) -> list[dict[str, object]]:
    """The rows of `rois.csv`: of the images `used` those by the predicted mask of resample `final`, else the given."""
    final = {row["image_id"]: row for row in predicted if row["resample"] == FINAL}
    chosen = [final[row["image_id"]] if row["image_id"] in used else row for row in given]
    return [{name: value for name, value in row.items() if name != "resample"} for row in chosen]


def rois_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """`rois.csv` from the rows of `crop_case`; failed cases are kept, with empty geometry.

    Raises PipelineError if no image could be cropped.
    """
    if not any(row["status"] == "ok" for row in rows):
        faults = [f"{row['image_id']}: {row['reason']}" for row in rows]
        raise PipelineError(listed(faults, heading="no image could be cropped", limit=10))
    return roi_table(rows)


def roi_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows of `crop_case` in the columns of `rois.csv`; failed cases are kept, with empty geometry."""
    return _table(rows, ROIS)


def predicted_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """`predicted_rois.csv` from the rows of `crop_case`; an empty prediction is a row with its reason."""
    return _table(rows, PREDICTED_ROIS)


def _table(rows: list[dict[str, object]], contract: Contract) -> pd.DataFrame:
    whole = ["n_voxels", *(f"{axis}0_px" for axis in AXES), *SIDES]
    table = pd.DataFrame(rows).reindex(columns=[column.name for column in contract.columns])
    return table.astype(dict.fromkeys(whole, "Int64"))  # integers stay integers despite missing values
