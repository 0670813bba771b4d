"""Shape features of a slice, under PyRadiomics' names. Perimeter and surface come from a mesh of lines."""

import numpy as np
from numpy.typing import NDArray

from pipeline.radiomics.engine.diameters import largest_distance_2d
from pipeline.radiomics.engine.mesh import perimeter_and_surface, vertices
from pipeline.radiomics.engine.principal_axes import axis_length, axis_ratio, eigenvalues

NAMES = (
    "Elongation",
    "MajorAxisLength",
    "MaximumDiameter",
    "MeshSurface",
    "MinorAxisLength",
    "Perimeter",
    "PerimeterSurfaceRatio",
    "PixelSurface",
    "Sphericity",
)
OPTIONAL = ("SphericalDisproportion",)  # PyRadiomics gives it only if it is named


def shape_2d(
    inside: NDArray[np.bool_], *, spacing_mm: NDArray[np.float64], names: tuple[str, ...] = NAMES
) -> dict[str, float]:
    """The features `names`, in that order, of the ROI `inside` (y, x); `spacing_mm` is y, x. None has an IBSI code.

    Raises ValueError if `inside` holds no pixel.
    """
    if not inside.any():
        raise ValueError("inside has no pixel: the ROI needs at least 1; exclude images with an empty mask")
    mask = np.pad(inside.astype(np.int8), 1)
    perimeter, surface = perimeter_and_surface(mask, spacing_mm=spacing_mm)
    spacing_3d = np.array([1.0, *spacing_mm])
    minor, major = eigenvalues(inside, spacing_mm=spacing_mm).tolist()
    sphericity = 2 * np.sqrt(np.pi * surface) / perimeter
    features = {
        "MeshSurface": surface,
        "PixelSurface": float(np.count_nonzero(inside) * np.prod(spacing_mm)),
        "Perimeter": perimeter,
        "PerimeterSurfaceRatio": perimeter / surface,
        "Sphericity": sphericity,
        "SphericalDisproportion": 1 / sphericity,
        "MaximumDiameter": largest_distance_2d(vertices(mask[None]), spacing_mm=spacing_3d),
        "MajorAxisLength": axis_length(major),
        "MinorAxisLength": axis_length(minor),
        "Elongation": axis_ratio(minor, major),
    }
    return {name: float(features[name]) for name in names}
