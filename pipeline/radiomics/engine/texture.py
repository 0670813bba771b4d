"""All texture features of one discretised image: matrices in compiled loops, features as vectorised formulas.

Values equal PyRadiomics 3.0.1 with weightingNorm null, to 1e-9 relative; what differs by intention is in undefined.py.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.radiomics.engine import glcm, gldm, glrlm, glszm, ngtdm
from pipeline.radiomics.engine.kernels import neighbourhoods
from pipeline.radiomics.engine.kernels_links import equal_neighbours
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
    for name, wanted in classes.items():
        check_names("texture", [name], known=tuple(NAMES))
        check_names(name, wanted, known=NAMES[name])
    roi = roi_of(levels_image, reach=max(distances), force2d_axis=force2d_axis)
    raw = raw_features(roi, classes=classes, distances=tuple(distances), symmetric=symmetric, alpha=int(alpha))
    features = {}
    for name, wanted in classes.items():
        values = raw[name]
        undefined = undefined_of(name, n_levels=len(roi.levels), coarseness=values.get("Coarseness"))
        features[name] = {key: np.nan if key in undefined else values[key] for key in wanted or NAMES[name]}
    return features


def raw_features(
    roi: Roi, *, classes: Mapping[str, Sequence[str]], distances: tuple[int, ...], symmetric: bool, alpha: int
) -> dict[str, dict[str, float]]:
    """All features of each class, with PyRadiomics' constants where a feature is undefined. See `texture_features`."""
    raw = {}
    if "glcm" in classes:
        matrix = glcm.glcm(roi, distances=distances, symmetric=symmetric)
        raw["glcm"] = glcm.glcm_features(matrix, with_mcc="MCC" in (classes["glcm"] or NAMES["glcm"]))
    if "glrlm" in classes or "glszm" in classes:
        equal, touching = equal_neighbours(roi.ranks, roi.voxels, roi.neighbours((1,))[1])
        raw["glrlm"] = glrlm.glrlm_features(roi, equal=equal, touching=touching)
        raw["glszm"] = glszm.glszm_features(roi, equal=equal)
    if "gldm" in classes or "ngtdm" in classes:
        dependences, differences = neighbourhoods(roi.ranks, roi.voxels, roi.both_ways(distances), roi.levels, alpha)
        raw["gldm"] = gldm.gldm_features(roi, dependences=dependences)
        raw["ngtdm"] = ngtdm.ngtdm_features(roi, differences=differences)
    return raw
