"""From an image and its mask to arrays: normalisation, resampling, checks of the ROI, resegmentation, bounding box.

The steps, their order and the reasons for which a ROI is refused are PyRadiomics' (`loadImage`, `checkMask`,
`resegmentMask`).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from radiomics.imageoperations import normalizeImage, resampleImage

from pipeline.radiomics.engine.lines import Box, bounding_box
from pipeline.radiomics.engine.resample import bspline_on, parallel
from pipeline.radiomics.engine.settings import EngineSettings


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An image ready for filters.

    `array` is the image in its number type, axes (y, x) or (z, y, x); `box` the bounding box of the ROI in it; `inside`
    the ROI in the box, and `shape_inside` the ROI that shape features describe, in the same box; `spacing_mm` is in the
    order of the axes.
    """

    array: NDArray[Any]
    box: Box
    inside: NDArray[np.bool_]
    shape_inside: NDArray[np.bool_]
    spacing_mm: tuple[float, ...]

    def of_roi(self, boxed: NDArray[Any]) -> NDArray[Any]:
        """The voxels (n,) of the ROI, in the order of memory, of an array of the shape of the box."""
        return np.take(boxed, self._places)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.inside)


def prepare(image: sitk.Image, mask: sitk.Image, *, settings: EngineSettings) -> Prepared:
    """Preprocess an image and its mask (label 1), which share one grid.

    Raises ValueError, with PyRadiomics' reason, if the ROI is empty, is smaller than the settings allow, or does not
    lie in the image.
    """
    _check_label(mask)
    if settings.normalise:
        image = normalizeImage(image, normalizeScale=settings.normalise_scale, removeOutliers=settings.outliers_sd)
    if settings.spacing_mm is not None and settings.interpolator is not None:
        image, mask = _resampled(image, mask, settings=settings)
    array = sitk.GetArrayFromImage(image)
    whole = sitk.GetArrayViewFromImage(mask) == 1
    box = _checked_box(whole, settings=settings)
    kept = whole
    if settings.resegment_range is not None:
        kept = _resegmented(array, whole, settings=settings)
        box = _checked_box(kept, settings=settings)
    return Prepared(
        array=array,
        box=box,
        inside=np.ascontiguousarray(kept[box]),
        shape_inside=np.ascontiguousarray((kept if settings.resegment_shape else whole)[box]),
        spacing_mm=image.GetSpacing()[::-1],
    )


def _check_label(mask: sitk.Image) -> None:
    values = sitk.GetArrayViewFromImage(mask)
    if (values == 1).any():
        return
    if not values.any():
        raise ValueError("No labels found in this mask (i.e. nothing is segmented)!")
    raise ValueError(f"Label (1) not present in mask. Choose from {np.unique(values[values != 0])}")


def _resampled(image: sitk.Image, mask: sitk.Image, *, settings: EngineSettings) -> tuple[sitk.Image, sitk.Image]:
    if sitk.GetArrayViewFromImage(mask).all():
        # PyRadiomics refuses a mask without background, so that such a mask has a border of it, which moves the grid.
        edge = [1] * mask.GetDimension()
        mask = sitk.ConstantPad(mask, edge, edge, 0)
    how = {"resampledPixelSpacing": settings.spacing_mm, "padDistance": settings.pad_voxels}
    if settings.interpolator in ("sitkBSpline", sitk.sitkBSpline) and parallel(image):
        _, grid = resampleImage(mask, mask, interpolator=sitk.sitkNearestNeighbor, **how)
        if not np.allclose(image.GetSpacing(), grid.GetSpacing()):  # PyRadiomics crops without interpolation then
            return bspline_on(grid, image), grid
    image, mask = resampleImage(image, mask, interpolator=settings.interpolator, **how)
    return image, mask


def _checked_box(inside: NDArray[np.bool_], *, settings: EngineSettings) -> Box:
    box = bounding_box(inside)
    if box is None:
        raise ValueError("Label (1) not present in mask")
    dimensions = sum(part.stop - part.start > 1 for part in box)
    if dimensions == 0:
        raise ValueError("mask only contains 1 segmented voxel! Cannot extract features for a single voxel.")
    if dimensions < settings.minimum_dimensions:
        required = f"minimum required {settings.minimum_dimensions}"
        raise ValueError(f"mask has too few dimensions (number of dimensions {dimensions}, {required})")
    if settings.minimum_voxels is not None:
        size = int(np.count_nonzero(inside[box]))
        if size <= settings.minimum_voxels:
            reason = f"minimum size: {settings.minimum_voxels}, ROI size: {size}"
            raise ValueError(f"Size of the ROI is too small ({reason})")
    return box


def _resegmented(array: NDArray[Any], whole: NDArray[np.bool_], *, settings: EngineSettings) -> NDArray[np.bool_]:
    """The voxels of the ROI between the thresholds (closed interval; one threshold is the lower)."""
    voxels = array[whole]
    limits: list[Any] = sorted(settings.resegment_range or ())
    if len(limits) not in (1, 2):
        raise ValueError(f"Length {len(limits)} is not allowed for resegmentRange")
    if settings.resegment_mode == "relative":
        limits = [voxels.max() * limit for limit in limits]
    elif settings.resegment_mode == "sigma":
        mean, deviation = np.mean(voxels), np.std(voxels)
        limits = [mean + deviation * limit for limit in limits]
    keep = voxels >= limits[0]
    if len(limits) == 2:
        keep &= voxels <= limits[1]
    if np.count_nonzero(keep) <= 1:
        retained = f"retained {np.count_nonzero(keep)} voxel(s)"
        raise ValueError(f"Resegmentation excluded too many voxels with label 1 ({retained})! Cannot extract features")
    kept = np.zeros_like(whole)
    kept[whole] = keep
    return kept
