"""One lesion mask per image from what the source gives: mask files, polygons, or the whole image."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon2mask

from pipeline.cohort.findings import Finding, error, info, warning
from pipeline.cohort.importers.source import LesionSource, Polygon
from pipeline.cohort.mask_files import MaskParams, decode_mask
from pipeline.contracts.data.cohort import WHOLE
from pipeline.foundation.images import RASTER_SUFFIXES, array_of, image_from, suffix_of


@dataclass(frozen=True, kw_only=True)
class LesionMask:
    """The lesion of one image as voxels 0 and 1 (uint8); None if `findings` has an error.

    The mask has the geometry of its own file, or of the image if the file's format, or the image's, has none.
    `source` is a file name (several are joined by `+`), `polygons`, or `full`.
    """

    mask: sitk.Image | None
    source: str
    findings: list[Finding] = field(default_factory=list)


def lesion_mask(
    lesion: LesionSource, *, image_id: str, image_path: Path, grid: sitk.Image, params: MaskParams
) -> LesionMask:
    """The lesion mask of the image `image_id`, read from `image_path` and lying on `grid` (its size and geometry).

    Several mask files, or polygons, are united; then `params.lesion` keeps the largest connected component or all
    components (voxels that touch at a corner are connected; of equal components, the first in z, y, x order). The
    size of a mask file may differ from the grid; the caller checks that.
    """
    if lesion.kind == "full":
        return LesionMask(mask=image_from(np.ones(_shape(grid), dtype=np.uint8), like=grid), source=WHOLE)
    if lesion.kind == "polygons":
        mask, findings = _from_polygons(lesion.polygons, image_id=image_id, grid=grid)
        source = "polygons"
    else:
        mask, findings = _from_files(lesion.files, image_id=image_id, image_path=image_path, grid=grid, params=params)
        source = "+".join(path.name for path in lesion.files)
    if mask is not None:
        mask, more = _components(mask, image_id=image_id, largest=params.lesion == "largest")
        findings = [*findings, *more]
    return LesionMask(mask=mask, source=source, findings=findings)


def _shape(grid: sitk.Image) -> tuple[int, ...]:
    return tuple(reversed(grid.GetSize()))


def _from_files(
    files: Sequence[Path], *, image_id: str, image_path: Path, grid: sitk.Image, params: MaskParams
) -> tuple[sitk.Image | None, list[Finding]]:
    """The union of the decoded files on one grid; None if one of them has an error."""
    decoded = [decode_mask(path, image_id=image_id, params=params) for path in files]
    findings = [finding for one in decoded for finding in one.findings]
    masks = [
        on_image_geometry(one.mask, mask_path=path, grid=grid, image_path=image_path)
        for path, one in zip(files, decoded, strict=True)
        if one.mask is not None
    ]
    if len(masks) < len(files):
        return None, findings
    if len({mask.GetSize() for mask in masks}) > 1:
        names = ", ".join(path.name for path in files)
        message = f"the masks {names} differ in size and cannot be united; draw them on one image"
        return None, [*findings, error(image_id, scope="image", check="size_mismatch", message=message)]
    united = np.logical_or.reduce([array_of(mask) for mask in masks]).astype(np.uint8)
    return image_from(united, like=masks[0]), findings


def on_image_geometry(mask: sitk.Image, *, mask_path: Path, grid: sitk.Image, image_path: Path) -> sitk.Image:
    """`mask` with the geometry of the image, if one of the two files has none of its own to compare.

    A raster file (PNG, JPEG, …) has no geometry. A one-slice volume for a 2-D image (as ITK-SNAP saves it), or a 2-D
    mask for a one-slice volume, gets the other's number of axes; the order of voxels in the files is the same. If the
    sizes differ, or both have a geometry, `mask` is returned unchanged.
    """
    if suffix_of(mask_path) not in RASTER_SUFFIXES and suffix_of(image_path) not in RASTER_SUFFIXES:
        return mask
    flat, wanted = (tuple(n for n in (*image.GetSize(), 1)[:3]) for image in (mask, grid))
    return image_from(array_of(mask).reshape(_shape(grid)), like=grid) if flat == wanted else mask


def _from_polygons(
    polygons: Sequence[Polygon], *, image_id: str, grid: sitk.Image
) -> tuple[sitk.Image | None, list[Finding]]:
    """Pixels whose centre lies in a polygon or on its edge; pixel (0, 0) has its centre at (0, 0)."""
    if len(_shape(grid)) != 2:
        message = "has a contour in pixels, but is a volume; give a mask file instead"
        return None, [error(image_id, scope="image", check="size_mismatch", message=message)]
    height, width = _shape(grid)
    mask = np.zeros((height, width), dtype=np.bool_)
    findings = []
    for polygon in polygons:
        corners = np.asarray(polygon, dtype=np.float64)
        overshoot = max(float(-corners.min()), float((corners - [width - 1, height - 1]).max()))
        if overshoot > 0.5:  # the frame ends half a pixel beyond the centre of its last pixel
            message = f"a contour extends beyond the {width} x {height} frame by up to {overshoot:g} px; it was clipped"
            findings.append(warning(image_id, scope="image", check="outline_outside_frame", message=message))
        mask |= polygon2mask((height, width), corners[:, ::-1])
    if not mask.any():
        message = "its contour covers no pixel; correct it or exclude the image"
        return None, [*findings, error(image_id, scope="image", check="mask_empty", message=message)]
    return image_from(mask.astype(np.uint8), like=grid), findings


def _components(mask: sitk.Image, *, image_id: str, largest: bool) -> tuple[sitk.Image, list[Finding]]:
    """`mask` with its largest connected component only, or unchanged; several are a finding with their sizes."""
    array = array_of(mask)
    box = ndimage.find_objects(array)[0]  # a volume is labelled within its lesion's bounding box only
    numbered, count = ndimage.label(array[box], structure=np.ones((3,) * array.ndim))
    if count < 2:
        return mask, []
    sizes = np.bincount(numbered.ravel())[1:]
    listed = ", ".join(str(size) for size in sorted(sizes.tolist(), reverse=True)[:10])
    if not largest:
        message = f"the lesion mask has {count} connected components ({listed} voxels); all were kept"
        return mask, [info(image_id, scope="image", check="components_joined", message=message)]
    kept: NDArray[np.uint8] = np.zeros_like(array)
    kept[box] = numbered == int(sizes.argmax()) + 1
    message = f"the lesion mask has {count} connected components ({listed} voxels); the largest was kept"
    return image_from(kept, like=mask), [info(image_id, scope="image", check="components_left_out", message=message)]
