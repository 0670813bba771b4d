"""Configurations A to E of the IBSI CT phantom: the settings nearest to each, and its intermediate image.

After the reference manual of IBSI 1 (Zwanenburg et al., Radiology 2020;295:328), chapter 2: the new grid shares the
centre of the old one, interpolated values are rounded to whole HU, and voxels are in the ROI if the interpolated mask
is 0.5 or more.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from places import SHARED_DATA

from pipeline.foundation.images import array_of, image_from, read_image
from pipeline.radiomics.engine.extract import extract
from pipeline.radiomics.engine.settings import engine_settings

PHANTOM: Path = SHARED_DATA / "ibsi_ct" / "nifti"
CLASSES = ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm", "shape")
INTERPOLATORS = {"sitkLinear": sitk.sitkLinear, "sitkBSpline": sitk.sitkBSpline}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One configuration: bins and directions as settings, then resampling and re-segmentation.

    `spacing_mm` x, y, z; 0 = as it is; `range_hu` and `sigmas` None = no re-segmentation by them.
    """

    bins: dict[str, Any]
    spacing_mm: tuple[float, float, float] | None = None
    interpolator: str = "sitkLinear"
    range_hu: tuple[float, float] | None = None
    sigmas: float | None = None

    def settings(self) -> dict[str, Any]:
        """The nearest settings: PyRadiomics re-segments once only, by the range if there is one."""
        found = self.bins | self._segmented()
        if self.spacing_mm is None:
            return found
        return found | {"resampledPixelSpacing": list(self.spacing_mm), "interpolator": self.interpolator}

    def prepared_settings(self) -> dict[str, Any]:
        """The settings for the intermediate image, whose mask lies within the range already if there are both."""
        return self.bins | (_outliers(self.sigmas) if self.sigmas else self._segmented())

    def _segmented(self) -> dict[str, Any]:
        if self.range_hu is not None:
            return {"resegmentRange": list(self.range_hu)}
        return _outliers(self.sigmas) if self.sigmas else {}


def _outliers(sigmas: float) -> dict[str, Any]:
    return {"resegmentRange": [-sigmas, sigmas], "resegmentMode": "sigma"}


CONFIGURATIONS = {
    "A": Configuration(bins={"binWidth": 25, "force2D": True}, range_hu=(-500, 400)),
    "B": Configuration(bins={"binCount": 32, "force2D": True}, spacing_mm=(2, 2, 0), range_hu=(-500, 400)),
    "C": Configuration(bins={"binWidth": 25}, spacing_mm=(2, 2, 2), range_hu=(-1000, 400)),
    "D": Configuration(bins={"binCount": 32}, spacing_mm=(2, 2, 2), sigmas=3),
    "E": Configuration(
        bins={"binCount": 32}, spacing_mm=(2, 2, 2), interpolator="sitkBSpline", range_hu=(-1000, 400), sigmas=3
    ),
}


@cache
def phantom() -> tuple[sitk.Image, sitk.Image]:
    """The image and the mask of the phantom, on one grid."""
    return read_image(PHANTOM / "image" / "phantom.nii.gz"), read_image(PHANTOM / "mask" / "mask.nii.gz")


@cache
def intermediate(name: str) -> tuple[sitk.Image, sitk.Image]:
    """Image and mask after the resampling of a configuration, before re-segmentation."""
    image, mask = phantom()
    chosen = CONFIGURATIONS[name]
    if chosen.spacing_mm is None:
        return image, mask
    values = _resampled(image, spacing_mm=chosen.spacing_mm, interpolator=INTERPOLATORS[chosen.interpolator])
    inside = _resampled(mask, spacing_mm=chosen.spacing_mm, interpolator=sitk.sitkLinear)
    whole = np.round(array_of(values)).astype(np.int16)
    return image_from(whole, like=values), image_from((array_of(inside) >= 0.5).astype(np.uint8), like=values)


def _resampled(image: sitk.Image, *, spacing_mm: tuple[float, ...], interpolator: int) -> sitk.Image:
    old, size = np.array(image.GetSpacing()), np.array(image.GetSize())
    new = np.where(spacing_mm, spacing_mm, old)
    count = np.ceil(np.round(size * old / new, 6)).astype(int)
    first = 0.5 * (size - 1) - 0.5 * (count - 1) * new / old
    resample = sitk.ResampleImageFilter()
    resample.SetSize(count.tolist())
    resample.SetOutputSpacing(new.tolist())
    resample.SetOutputOrigin(image.TransformContinuousIndexToPhysicalPoint(first.tolist()))
    resample.SetOutputDirection(image.GetDirection())
    resample.SetInterpolator(interpolator)
    resample.SetUseNearestNeighborExtrapolator(True)
    return resample.Execute(sitk.Cast(image, sitk.sitkFloat64))


def features(image: sitk.Image, mask: sitk.Image, *, setting: dict[str, Any]) -> dict[tuple[str, str], float]:
    """All features of the unfiltered image by class and name."""
    native = {"imageType": {"Original": {}}, "featureClass": {kind: [] for kind in CLASSES}, "setting": setting}
    found, _ = extract(engine_settings(native), image=image, mask=mask)
    return {_class_and_name(column): value for column, value in found.items()}


def _class_and_name(column: str) -> tuple[str, str]:
    _, kind, name = column.split("_")
    return kind, name


def prepared_features(name: str) -> dict[tuple[str, str], float]:
    """The features of the intermediate image; shape of the ROI before, all others after re-segmentation."""
    (image, mask), chosen = intermediate(name), CONFIGURATIONS[name]
    if chosen.range_hu is None or chosen.sigmas is None:
        return features(image, mask, setting=chosen.prepared_settings())
    low, high = chosen.range_hu
    within = (array_of(mask) == 1) & (array_of(image) >= low) & (array_of(image) <= high)
    found = features(image, image_from(within.astype(np.uint8), like=mask), setting=chosen.prepared_settings())
    shape = features(image, mask, setting=chosen.bins)
    return {key: shape[key] if key[0] == "shape" else value for key, value in found.items()}
