"""Audit of the voxels of one image and its lesion: values from which features would be computed silently."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from pipeline.cohort.findings import Finding, error, info, warning
from pipeline.cohort.grey_image import GreyImage
from pipeline.foundation.images import array_of
from pipeline.foundation.params import Params


class VoxelParams(Params):
    """`params/cohort.yaml: voxels`."""

    min_roi_px: int = Field(ge=1, le=1_000_000)
    min_roi_grey_levels: int = Field(ge=2, le=256)
    max_roi_fraction: float = Field(gt=0, le=1)
    colour_tolerance: int = Field(ge=0, le=255)
    max_colour_fraction: float = Field(ge=0, le=1)


def voxel_findings(
    image_id: str, *, grey: GreyImage, lesion: NDArray[np.bool_] | None, whole: bool, params: VoxelParams
) -> list[Finding]:
    """Every fault in the voxels of `grey` and of its `lesion` (same shape; None = no usable mask).

    `whole`: the lesion is declared to be the whole image, so a full mask is not a finding.
    """
    array = array_of(grey.stored)
    found = _form_findings(image_id, grey, lesion, params)
    finite = np.isfinite(array)
    if not finite.all():
        found.append(_nonfinite(image_id, array, finite, lesion))
    elif array.min() == array.max():
        message = f"all {array.size} voxels have the value {array.flat[0]}; the image is blank"
        found.append(error(image_id, scope="image", check="flat_image", message=message))
    elif lesion is not None and lesion.any():
        found += _roi_findings(image_id, array, lesion, whole=whole, params=params)
        if not any(finding.check == "roi_small" for finding in found):
            found += _thickness_findings(image_id, lesion)
    return found


def _form_findings(
    image_id: str, grey: GreyImage, lesion: NDArray[np.bool_] | None, params: VoxelParams
) -> list[Finding]:
    """Findings about colour, transparency and spacing."""
    found = []
    if not grey.spacing_known:
        message = "the file gives no pixel size in mm; the spacing is 1 px"
        found.append(info(image_id, scope="image", check="spacing_unknown", message=message))
    if grey.alpha_varies:
        message = "its transparency channel is not constant and was dropped; check that it hid nothing"
        found.append(warning(image_id, scope="image", check="transparency", message=message))
    if grey.colour is None:
        return found
    fraction = float(grey.colour.mean())
    if fraction > params.max_colour_fraction:
        inside = int((grey.colour & lesion).sum()) if lesion is not None else 0
        message = f"{int(grey.colour.sum())} pixels ({fraction:.1%}) are coloured, {inside} of them in the lesion; "
        message += "they were converted to grey: exclude the image if colour (Doppler, callipers) covers the tissue"
        found.append(warning(image_id, scope="image", check="colour_pixels", message=message))
    else:
        message = "a colour file with grey content was stored as one grey channel"
        found.append(info(image_id, scope="image", check="grey_conversion", message=message))
    return found


def _nonfinite(
    image_id: str, array: NDArray[np.generic], finite: NDArray[np.bool_], lesion: NDArray[np.bool_] | None
) -> Finding:
    nan, infinite = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    first = tuple(int(i) for i in np.argwhere(~finite)[0][::-1])
    where = "with no usable lesion mask"
    if lesion is not None:
        where = f"{int((~finite & lesion).sum())} of them in the lesion"
    message = f"{nan} NaN and {infinite} infinite voxels, the first at {axes(first)} in px from 0, {where}; "
    message += "features would be silently wrong: replace the values or exclude the image"
    return error(image_id, scope="image", check="nonfinite_voxels", message=message)


def _roi_findings(
    image_id: str, array: NDArray[np.generic], lesion: NDArray[np.bool_], *, whole: bool, params: VoxelParams
) -> list[Finding]:
    voxels = array[lesion]
    found = []
    if voxels.size < params.min_roi_px:
        message = f"the lesion has {voxels.size} voxels, needs at least {params.min_roi_px} (min_roi_px); "
        message += "correct the mask or exclude the image"
        found.append(error(image_id, scope="image", check="roi_small", message=message))
    levels = np.unique(voxels).size
    if levels == 1:
        message = f"all {voxels.size} voxels of the lesion have the value {voxels[0]}; texture features would be "
        message += "undefined: check that the mask belongs to this image, or exclude it"
        found.append(error(image_id, scope="image", check="roi_flat", message=message))
    elif levels < params.min_roi_grey_levels:
        message = f"the lesion has {levels} grey levels, fewer than {params.min_roi_grey_levels} (min_roi_grey_levels)"
        found.append(warning(image_id, scope="image", check="roi_few_grey_levels", message=message))
    if lesion.mean() > params.max_roi_fraction and not whole:
        message = f"the lesion covers {lesion.mean():.1%} of the image; is the mask inverted?"
        found.append(warning(image_id, scope="image", check="roi_nearly_full", message=message))
    return found


def _thickness_findings(image_id: str, lesion: NDArray[np.bool_]) -> list[Finding]:
    """A lesion that is a line, that has no thickness, or that resampling to larger voxels may lose."""
    inside = lesion
    for axis in range(lesion.ndim):  # the bounding box; of a volume, little is left after the first axis
        kept = np.flatnonzero(inside.any(axis=tuple(other for other in range(lesion.ndim) if other != axis)))
        inside = inside.take(range(kept[0], kept[-1] + 1), axis=axis)
    extent = dict(zip("xyz", reversed(inside.shape), strict=False))
    flat = [axis for axis, length in extent.items() if length == 1]
    if len(extent) - len(flat) < 2:
        message = f"the lesion is a line of {int(lesion.sum())} voxels, and features need an area: correct the mask "
        return [error(image_id, scope="image", check="roi_line", message=message + "or exclude the image")]
    if len(extent) == 3 and flat:
        message = f"the lesion of this volume lies in one slice along {flat[0]}, so it has no thickness and its shape "
        message += "features Flatness and LeastAxisLength are 0; check that the mask is whole"
        return [warning(image_id, scope="image", check="roi_one_slice", message=message)]
    square = np.ones((1,) * (lesion.ndim - 2) + (3, 3))  # in the plane: few slices are common in a volume
    if not ndimage.binary_erosion(inside, structure=square).any():
        message = "the lesion is nowhere three voxels wide, so resampling to larger voxels may lose it; check that the "
        message += "mask is filled and not a contour"
        return [warning(image_id, scope="image", check="roi_thin", message=message)]
    return []


def axes(index: tuple[int, ...]) -> str:
    """An index in image order as text: `x 3, y 4, z 5`."""
    return ", ".join(f"{axis} {value}" for axis, value in zip("xyz", index, strict=False))
