"""Native PyRadiomics settings as the engine takes them; what it does not implement is refused by name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.foundation.errors import ParamsError
from pipeline.radiomics.engine import first_order, shape2d, shape3d, texture

_FILE = "params/radiomics.yaml"
_REMEDY = "set engine: pyradiomics"
IMAGE_TYPES = (
    "Original",
    "LoG",
    "Wavelet",
    "Square",
    "SquareRoot",
    "Logarithm",
    "Exponential",
    "Gradient",
    "LBP2D",
    "LBP3D",
)
# All features of each class without those that PyRadiomics calls deprecated, and those of them that it still computes.
FEATURES: dict[str, tuple[str, ...]] = {
    "firstorder": first_order.NAMES,
    "shape": shape3d.NAMES,
    "shape2D": shape2d.NAMES,
    **texture.NAMES,
}
OPTIONAL: dict[str, tuple[str, ...]] = {
    "firstorder": first_order.OPTIONAL,
    "shape": shape3d.OPTIONAL,
    "shape2D": shape2d.OPTIONAL,
}
# Every key that has an effect, with PyRadiomics' default.
DEFAULTS: dict[str, Any] = {
    "minimumROIDimensions": 2,
    "minimumROISize": None,
    "normalize": False,
    "normalizeScale": 1,
    "removeOutliers": None,
    "resampledPixelSpacing": None,
    "interpolator": "sitkBSpline",
    "padDistance": 5,
    "resegmentRange": None,
    "resegmentMode": "absolute",
    "resegmentShape": False,
    "distances": [1],
    "force2D": False,
    "force2Ddimension": 0,
    "binWidth": 25,
    "binCount": None,
    "voxelArrayShift": 0,
    "symmetricalGLCM": True,
    "gldm_a": 0,
    "sigma": [],
    "wavelet": "coif1",
    "level": 1,
    "start_level": 0,
    "gradientUseSpacing": True,
    "lbp2DRadius": 1,
    "lbp2DSamples": 8,
    "lbp2DMethod": "uniform",
    "lbp3DLevels": 2,
    "lbp3DIcosphereRadius": 1,
    "lbp3DIcosphereSubdivision": 1,
}
# Without effect on an image and a mask that share one grid, and on values alone.
_IGNORED = ("additionalInfo", "correctMask")
# Keys that are accepted at these values only, which are PyRadiomics' defaults.
_FIXED: dict[str, tuple[Any, ...]] = {
    "label": (1,),
    "label_channel": (0,),
    "preCrop": (False,),
    "weightingNorm": (None,),
    "geometryTolerance": (None,),
}


@dataclass(frozen=True, kw_only=True)
class ImageType:
    """One image type with the settings that apply to it: the general ones, overridden by its own."""

    name: str
    bin_width: float
    bin_count: int | None
    distances: tuple[int, ...]
    force2d_axis: int | None  # axis of the array (0 = z) that no texture direction and no wavelet moves along
    slice_axis: int  # axis across which LBP2D cuts a volume
    symmetric: bool
    alpha: int
    array_shift: float
    sigma_mm: tuple[float, ...]
    wavelet: str
    level: int
    start_level: int
    gradient_uses_spacing: bool
    lbp2d_radius_px: float
    lbp2d_samples: int
    lbp2d_method: str
    lbp3d_levels: int
    lbp3d_radius_px: float
    lbp3d_subdivisions: int


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """Everything that an extraction depends on: preprocessing, image types and feature classes, in their order."""

    minimum_dimensions: int
    minimum_voxels: int | None
    normalise: bool
    normalise_scale: float
    outliers_sd: float | None
    spacing_mm: tuple[float, ...] | None  # x, y, z; 0 = as in the mask
    interpolator: str | int | None
    pad_voxels: int
    resegment_range: tuple[float, ...] | None
    resegment_mode: str
    resegment_shape: bool
    force2d_axis: int | None
    image_types: tuple[ImageType, ...]
    classes: tuple[tuple[str, tuple[str, ...]], ...]

    def texture_classes(self) -> dict[str, tuple[str, ...]]:
        """The texture classes and their features."""
        return {name: features for name, features in self.classes if name in texture.NAMES}


def engine_settings(settings: Mapping[str, Any]) -> EngineSettings:
    """The settings of an extraction from native PyRadiomics settings (imageType, featureClass, setting).

    PyRadiomics checks types and ranges (`set_up`); this function checks that the engine can do the same. Raises
    ParamsError, which names the key, if it cannot.
    """
    unknown = set(settings) - {"imageType", "featureClass", "setting"}
    if any(settings[name] for name in unknown):
        raise _refusal(f"{', '.join(sorted(unknown))}: only imageType, featureClass and setting")
    general = dict(settings.get("setting") or {})
    _check_keys(general, where="setting")
    chosen = DEFAULTS | general
    types: Mapping[str, Any] = settings.get("imageType") or {"Original": {}}
    return EngineSettings(
        minimum_dimensions=int(chosen["minimumROIDimensions"]),
        minimum_voxels=chosen["minimumROISize"],
        normalise=bool(chosen["normalize"]),
        normalise_scale=chosen["normalizeScale"],
        outliers_sd=chosen["removeOutliers"],
        spacing_mm=_numbers(chosen["resampledPixelSpacing"]),
        interpolator=chosen["interpolator"],
        pad_voxels=int(chosen["padDistance"]),
        resegment_range=_numbers(chosen["resegmentRange"]),
        resegment_mode=chosen["resegmentMode"],
        resegment_shape=bool(chosen["resegmentShape"]),
        force2d_axis=_axis(chosen),
        image_types=tuple(_image_type(name, general=general, own=own or {}) for name, own in types.items()),
        classes=_classes(settings.get("featureClass") or {name: [] for name in _ALPHABETICAL}),
    )


# The order in which PyRadiomics computes its classes if none is named.
_ALPHABETICAL = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape", "shape2D")


def _refusal(what: str) -> ParamsError:
    return ParamsError(f"{_FILE}: the fast engine does not implement {what}; {_REMEDY}")


def _numbers(values: Iterable[float] | None) -> tuple[float, ...] | None:
    return None if values is None else tuple(values)


def _axis(chosen: Mapping[str, Any]) -> int | None:
    return int(chosen["force2Ddimension"]) if chosen["force2D"] else None


def _check_keys(given: Mapping[str, Any], *, where: str) -> None:
    for key, value in given.items():
        if key in _FIXED and value not in _FIXED[key]:
            raise _refusal(f"{key}: {value} in {where} (only {_FIXED[key][0]})")
        if key not in DEFAULTS and key not in _FIXED and key not in _IGNORED:
            raise _refusal(f"{key} in {where}")


def _image_type(name: str, *, general: Mapping[str, Any], own: Mapping[str, Any]) -> ImageType:
    if name not in IMAGE_TYPES:
        raise _refusal(f"the image type {name}; its image types are {', '.join(IMAGE_TYPES)}")
    _check_keys(own, where=f"imageType {name}")
    chosen = DEFAULTS | dict(general) | dict(own)
    return ImageType(
        name=name,
        # As float: in uint8, edges in whole numbers wrap at 256 (PyRadiomics then makes two bins of 0 to 250).
        bin_width=float(chosen["binWidth"]),
        bin_count=chosen["binCount"],
        distances=tuple(chosen["distances"]),
        force2d_axis=_axis(chosen),
        slice_axis=int(chosen["force2Ddimension"]),
        symmetric=bool(chosen["symmetricalGLCM"]),
        alpha=int(chosen["gldm_a"]),
        array_shift=chosen["voxelArrayShift"],
        sigma_mm=tuple(chosen["sigma"]),
        wavelet=chosen["wavelet"],
        level=int(chosen["level"]),
        start_level=int(chosen["start_level"]),
        gradient_uses_spacing=bool(chosen["gradientUseSpacing"]),
        lbp2d_radius_px=chosen["lbp2DRadius"],
        lbp2d_samples=int(chosen["lbp2DSamples"]),
        lbp2d_method=chosen["lbp2DMethod"],
        lbp3d_levels=int(chosen["lbp3DLevels"]),
        lbp3d_radius_px=chosen["lbp3DIcosphereRadius"],
        lbp3d_subdivisions=int(chosen["lbp3DIcosphereSubdivision"]),
    )


def _classes(wanted: Mapping[str, Iterable[str] | None]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    chosen = []
    for name, features in wanted.items():
        if name not in FEATURES:
            raise _refusal(f"the feature class {name}; its classes are {', '.join(FEATURES)}")
        names = tuple(dict.fromkeys(features or FEATURES[name]))
        known = (*FEATURES[name], *OPTIONAL.get(name, ()))
        refused = [feature for feature in names if feature not in known]
        if refused:
            raise _refusal(f"{', '.join(refused)} of the class {name}")
        chosen.append((name, names))
    return tuple(chosen)
