"""All texture features of one discretised image: matrices in compiled loops, features as vectorised formulas.

Values equal PyRadiomics 3.0.1 with weightingNorm null, to 1e-9 relative; what differs by intention is in undefined.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.radiomics.engine import glcm, gldm, glrlm, glszm, ngtdm
from pipeline.radiomics.engine.kernels import neighbourhoods
from pipeline.radiomics.engine.roi import Roi, roi_of
from pipeline.radiomics.engine.undefined import check_names, undefined_of

# The features of each class in PyRadiomics' order, which is alphabetical.
NAMES: dict[str, tuple[str, ...]] = {
    "glcm": tuple(sorted(glcm.NAMES)),
    "gldm": tuple(sorted(filter(None, gldm.NAMES))),
    "glrlm": tuple(sorted(glrlm.NAMES)),
    "glszm": tuple(sorted(glszm.NAMES)),
    "ngtdm": ("Busyness", "Coarseness", "Complexity", "Contrast", "Strength"),
}


def texture_features(
    levels_image: np.ndarray,
    *,
    classes: Mapping[str, Sequence[str]],
    distances: Sequence[int] = (1,),
    symmetric: bool = True,
    alpha: float = 0,
    force2d_axis: int | None = None,
) -> dict[str, dict[str, float]]:
    """The named features of each class, class -> name -> value, in the order of `classes`; no names: all of the class.

    `levels_image` (ny, nx) or (nz, ny, nx) int32 holds grey levels from 1, 0 outside the ROI. `distances` in voxels
    (Chebyshev) are those of GLCM, GLDM and NGTDM; GLRLM and GLSZM use 1. `symmetric`: count each GLCM pair both ways.
    `alpha`: largest difference of grey levels that counts as dependent in GLDM. No direction moves along
    `force2d_axis` (an axis of the array). Undefined features are NaN.
    Raises ValueError if the ROI is empty, or a class or feature is unknown.
    """
    check_classes(classes)
    roi = roi_of(levels_image, distances=tuple(distances), force2d_axis=force2d_axis)
    return features_of(roi, classes=classes, symmetric=symmetric, alpha=alpha)


def check_classes(classes: Mapping[str, Sequence[str]]) -> None:
    """Raise ValueError if a class or one of its features is unknown."""
    for name, wanted in classes.items():
        check_names("texture", [name], known=tuple(NAMES))
        check_names(name, wanted, known=NAMES[name])


def features_of(
    roi: Roi, *, classes: Mapping[str, Sequence[str]], symmetric: bool, alpha: float
) -> dict[str, dict[str, float]]:
    """The same of a ROI that is ready. See `texture_features`."""
    raw = raw_features(roi, classes=classes, symmetric=symmetric, alpha=int(alpha))
    features = {}
    for name, wanted in classes.items():
        values = raw[name]
        undefined = undefined_of(name, n_levels=len(roi.levels), coarseness=values.get("Coarseness"))
        features[name] = {key: np.nan if key in undefined else values[key] for key in wanted or NAMES[name]}
    return features


def raw_features(
    roi: Roi, *, classes: Mapping[str, Sequence[str]], symmetric: bool, alpha: int
) -> dict[str, dict[str, float]]:
    """All features of each class, with PyRadiomics' constants where a feature is undefined. See `texture_features`."""
    raw = {}
    if "glcm" in classes:
        matrix = glcm.glcm(roi, symmetric=symmetric)
        raw["glcm"] = glcm.glcm_features(matrix, with_mcc="MCC" in (classes["glcm"] or NAMES["glcm"]))
    if "glrlm" in classes:
        raw["glrlm"] = glrlm.glrlm_features(roi)
    if "glszm" in classes:
        raw["glszm"] = glszm.glszm_features(roi)
    if "gldm" in classes or "ngtdm" in classes:
        dependences, differences = dependences_and_differences(roi, alpha=alpha)
        raw["gldm"] = gldm.gldm_features(roi, dependences=dependences)
        raw["ngtdm"] = ngtdm.ngtdm_features(roi, differences=differences)
    return raw


def dependences_and_differences(roi: Roi, *, alpha: int) -> tuple[np.ndarray, np.ndarray]:
    """What GLDM and NGTDM count; see kernels.neighbourhoods."""
    offsets = roi.layout.offsets
    largest = (int(roi.levels[-1]) + alpha) * 2 * max(len(offsets), 1)
    number_type = np.int16 if largest <= np.iinfo(np.int16).max else np.int32
    grey = np.concatenate([[0], roi.levels + alpha]).astype(number_type)
    around = offsets, roi.layout.neighbours_inside
    return neighbourhoods(roi.ranks, roi.layout.voxels, around, grey, alpha)
