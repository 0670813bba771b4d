"""The extraction presets: which filters and feature classes of PyRadiomics, with which settings, and how many features.

`us2d` suits ultrasound: true 2-D images, and a fixed number of grey-level bins, since ultrasound has arbitrary units.
`ct3d` suits CT: isotropic 1 mm voxels and a fixed bin width in Hounsfield units. `onekey1561` and `paper1357` reproduce
published feature counts on one-slice volumes; four of their wavelet bands are rounding noise (`noise_bands`).
"""

from dataclasses import dataclass
from typing import Any, Literal

PresetName = Literal["us2d", "ct3d", "onekey1561", "paper1357"]
Grid = Literal["2-D", "3-D", "one slice"]
ImageTypes = dict[str, dict[str, Any]]

_TEXTURE_FEATURES = {"glrlm": 16, "glszm": 16, "gldm": 14, "ngtdm": 5}
_POINT_FILTERS: ImageTypes = {"Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}, "Gradient": {}}
_LOG: ImageTypes = {"LoG": {"sigma": [1.0, 2.0, 3.0]}}
_ONE_SLICE_TYPES: ImageTypes = {"Original": {}, "Wavelet": {}, "LBP3D": {}, **_POINT_FILTERS}
# The published systems normalise first; LoG is excluded, since PyRadiomics skips it on fewer than four slices.
_ONE_SLICE_SETTING: dict[str, Any] = {
    "normalize": True,
    "normalizeScale": 100,
    "interpolator": "sitkNearestNeighbor",
    "resampledPixelSpacing": [1, 1, 1],
    "padDistance": 10,
    "correctMask": True,
    "binWidth": 5,
}
# All of PyRadiomics' co-occurrence features except SumAverage and MCC, as in its example settings for CT.
_GLCM_22 = [
    "Autocorrelation",
    "JointAverage",
    "ClusterProminence",
    "ClusterShade",
    "ClusterTendency",
    "Contrast",
    "Correlation",
    "DifferenceAverage",
    "DifferenceEntropy",
    "DifferenceVariance",
    "JointEnergy",
    "JointEntropy",
    "Imc1",
    "Imc2",
    "Idm",
    "Idmn",
    "Id",
    "Idn",
    "InverseVariance",
    "MaximumProbability",
    "SumEntropy",
    "SumSquares",
]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One extraction: the form its images must have, native PyRadiomics settings, expected features per class."""

    name: str
    grid: Grid
    settings: dict[str, Any]
    class_counts: dict[str, int]

    @property
    def count(self) -> int:
        """The number of features per image."""
        return sum(self.class_counts.values())


def _preset(
    name: PresetName,
    *,
    grid: Grid,
    image_types: ImageTypes,
    n_images: int,
    setting: dict[str, Any],
    glcm: list[str] | None = None,
    without: tuple[str, ...] = (),
) -> Preset:
    """A preset of one shape class and all texture classes except `without`; `n_images` includes the original."""
    shape = {"shape2D": 9} if grid == "2-D" else {"shape": 14}
    per_image = {"firstorder": 18, "glcm": len(glcm) if glcm else 24, **_TEXTURE_FEATURES}
    per_image = {kind: count for kind, count in per_image.items() if kind not in without}
    features: dict[str, list[str]] = {kind: [] for kind in (*shape, *per_image)}
    features["glcm"] = glcm or []
    return Preset(
        name=name,
        grid=grid,
        settings={"imageType": image_types, "featureClass": features, "setting": setting | {"additionalInfo": False}},
        class_counts=shape | {kind: n_images * count for kind, count in per_image.items()},
    )


def preset(name: PresetName) -> Preset:
    """The preset `name`: us2d 1,311 features, ct3d 1,130, onekey1561 1,561, paper1357 1,357."""
    if name == "us2d":
        types = {"Original": {}, **_LOG, "Wavelet": {}, "LBP2D": {}, **_POINT_FILTERS}
        return _preset(name, grid="2-D", image_types=types, n_images=14, setting={"binCount": 32})
    if name == "ct3d":
        types = {"Original": {}, **_LOG, "Wavelet": {}}
        # padDistance, in voxels resampled to 1 mm: the padding of the lesion must cover 4 sigma of the widest LoG.
        isotropic = {"resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline", "padDistance": 12}
        return _preset(name, grid="3-D", image_types=types, n_images=12, setting=isotropic | {"binWidth": 25})
    if name == "onekey1561":
        return _one_slice(name, glcm=_GLCM_22)
    return _one_slice(name, without=("gldm",))


def _one_slice(name: PresetName, *, glcm: list[str] | None = None, without: tuple[str, ...] = ()) -> Preset:
    return _preset(
        name,
        grid="one slice",
        image_types=_ONE_SLICE_TYPES,
        n_images=17,
        setting=_ONE_SLICE_SETTING,
        glcm=glcm,
        without=without,
    )
