"""Read one image of a source, run every check on it and its masks, and write them in the project's common form."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from pipeline.cohort.findings import Finding, error
from pipeline.cohort.grey_image import GreyImage, grey_image
from pipeline.cohort.image_summary import ImageSummary, image_summary
from pipeline.cohort.importers.source import LesionSource, SourceImage
from pipeline.cohort.lesion_mask import lesion_mask, on_image_geometry
from pipeline.cohort.mask_alignment import (
    Mask,
    fit_mask,
)
from pipeline.cohort.mask_files import MaskParams, decode_mask
from pipeline.cohort.near_signature import Signature, signature
from pipeline.cohort.source_image import read_source_image
from pipeline.cohort.voxel_checks import VoxelParams, voxel_findings
from pipeline.contracts.data.cohort import MASK_READER2, WHOLE
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, pixel_hash, write_image


@dataclass(frozen=True, kw_only=True)
class ImportedImage:
    """One image after import: its row of `cohort.csv`, the hashes of its voxels and of its mask, all findings.

    `row`, `signature` (for the search for near-duplicates) and `summary` (for the comparison with the other images)
    are None if the image could not be read.
    """

    image_id: str
    patient_id: str
    row: dict[str, object] | None
    axes: int = 0  # 2 or 3; 0 if the image could not be read
    pixels: str = ""
    mask: str = ""
    signature: Signature | None = field(default=None, compare=False, repr=False)
    summary: ImageSummary | None = field(default=None, compare=False, repr=False)
    findings: list[Finding] = field(default_factory=list)


def import_image(
    case: SourceImage, *, masks: MaskParams, voxels: VoxelParams, image_folder: Path, mask_folder: Path
) -> ImportedImage:
    """Read, check and write one image as `<image_id>.nrrd`, and its masks.

    The lesion is `<image_id>.nrrd`, the gland `<image_id>_gland.nrrd`, a second reader's lesion
    `<image_id>_reader2.nrrd`. Faults of the data do not raise: each fault of the image or of its masks is a finding.
    """
    try:
        image = read_source_image(case.image)
        grey = grey_image(image, path=case.image, colour_tolerance=voxels.colour_tolerance)
    except ImageError as fault:
        findings = [_image_fault(case, str(fault).replace(str(case.image), case.image.name))]
        return ImportedImage(image_id=case.image_id, patient_id=case.patient_id, row=None, findings=findings)
    lesion, source, findings = _lesion(case, grey, masks)
    gland, of_gland = _gland(case, grey, masks)
    second, of_second = _second(case, grey, masks)
    whole = case.lesion is not None and case.lesion.kind == "full"
    findings += of_gland + of_second
    findings += voxel_findings(case.image_id, grey=grey, lesion=lesion, whole=whole, params=voxels)
    names = {"image": f"{case.image_id}.nrrd"}
    write_image(grey.stored, image_folder / names["image"])
    masks_read = (("mask", "", lesion), ("gland_mask", "_gland", gland), (MASK_READER2, "_reader2", second))
    for column, ending, mask in masks_read:
        if mask is not None:
            names[column] = f"{case.image_id}{ending}.nrrd"
            write_image(_stored_mask(mask, grey), mask_folder / names[column])
    return ImportedImage(
        image_id=case.image_id,
        patient_id=case.patient_id,
        row=_row(case, grey, names, source),
        axes=grey.stored.GetDimension(),
        pixels=pixel_hash(grey.stored),
        mask="" if lesion is None else pixel_hash(_stored_mask(lesion, grey)),
        signature=signature(grey.stored),
        summary=image_summary(array_of(grey.stored), lesion=lesion, whole=whole),
        findings=findings,
    )


def _image_fault(case: SourceImage, message: str) -> Finding:
    known = {" axes (": "four_dimensional", " channels, ": "channels", "there is no such image": "image_missing"}
    check = next((check for text, check in known.items() if text in message), "image_unreadable")
    return error(case.image_id, scope="image", check=check, message=message)


def _lesion(case: SourceImage, grey: GreyImage, params: MaskParams) -> tuple[Mask | None, str | None, list[Finding]]:
    """The lesion on the stored image's grid (None if it has no usable mask), and its source."""
    if case.lesion is None:
        return None, None, []
    lesion = lesion_mask(case.lesion, image_id=case.image_id, image_path=case.image, grid=grey.grid, params=params)
    if lesion.mask is None:
        return None, None, list(lesion.findings)
    mask, faults = fit_mask(lesion.mask, grey=grey, image_id=case.image_id, name=lesion.source)
    is_whole = mask is not None and bool(mask.all())
    return mask, WHOLE if is_whole else lesion.source, [*lesion.findings, *faults]


def _second(case: SourceImage, grey: GreyImage, params: MaskParams) -> tuple[Mask | None, list[Finding]]:
    """The lesion of the second reader, read and checked like that of the first."""
    if case.second_mask is None:
        return None, []
    lesion = LesionSource(kind="files", files=(case.second_mask,))
    mask, _, findings = _lesion(replace(case, lesion=lesion), grey, params)
    place = f"image {case.image_id}: "
    return mask, [replace(f, message=f.message.replace(place, f"{place}second reader: ", 1)) for f in findings]


def _gland(case: SourceImage, grey: GreyImage, params: MaskParams) -> tuple[Mask | None, list[Finding]]:
    """The gland on the stored image's grid; `label` of the params is the lesion's, so a gland file has one label."""
    if case.gland_mask is None:
        return None, []
    decoded = decode_mask(case.gland_mask, image_id=case.image_id, params=params.model_copy(update={"label": "auto"}))
    if decoded.mask is None:
        return None, list(decoded.findings)
    placed = on_image_geometry(decoded.mask, mask_path=case.gland_mask, grid=grey.grid, image_path=case.image)
    mask, faults = fit_mask(placed, grey=grey, image_id=case.image_id, name=case.gland_mask.name)
    return mask, [*decoded.findings, *faults]


def _stored_mask(mask: Mask, grey: GreyImage) -> sitk.Image:
    return image_from(mask.astype(np.uint8), like=grey.stored)


def _row(case: SourceImage, grey: GreyImage, names: dict[str, str], source: str | None) -> dict[str, object]:
    """The image's row of `cohort.csv`; spacing is empty if it is unknown, and along z in a 2-D image."""
    known = grey.stored.GetSpacing() if grey.spacing_known else ()
    spacing = {f"spacing_{axis}_mm": step for axis, step in zip("xyz", known, strict=False)}
    return {
        "image_id": case.image_id,
        "patient_id": case.patient_id,
        "view": case.view,
        "site": case.site or None,
        **names,
        "mask_source": source if "mask" in names else None,
        **spacing,
    }
