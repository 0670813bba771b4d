"""Shape features of a volume, under PyRadiomics' names; IBSI family HCUG. Surface and volume come from a mesh."""

import numpy as np
from numpy.typing import NDArray

from pipeline.radiomics.engine.diameters import largest_distances
from pipeline.radiomics.engine.mesh import surface_and_volume, vertices
from pipeline.radiomics.engine.principal_axes import axis_length, axis_ratio, eigenvalues

NAMES = (
    "Elongation",
    "Flatness",
    "LeastAxisLength",
    "MajorAxisLength",
    "Maximum2DDiameterColumn",
    "Maximum2DDiameterRow",
    "Maximum2DDiameterSlice",
    "Maximum3DDiameter",
    "MeshVolume",
    "MinorAxisLength",
    "Sphericity",
    "SurfaceArea",
    "SurfaceVolumeRatio",
    "VoxelVolume",
)
OPTIONAL = ("Compactness1", "Compactness2", "SphericalDisproportion")  # PyRadiomics gives them only if they are named


def shape_3d(
    inside: NDArray[np.bool_], *, spacing_mm: NDArray[np.float64], names: tuple[str, ...] = NAMES
) -> dict[str, float]:
    """The features `names`, in that order, of the ROI `inside` (z, y, x); `spacing_mm` is z, y, x.

    Raises ValueError if `inside` holds no voxel.
    """
    if not inside.any():
        raise ValueError("inside has no voxel: the ROI needs at least 1; exclude images with an empty mask")
    mask = np.pad(inside.astype(np.int8), 1)
    area, volume = surface_and_volume(mask, spacing_mm=spacing_mm)
    widest, in_slice, in_column, in_row = largest_distances(vertices(mask), spacing_mm=spacing_mm)
    least, minor, major = eigenvalues(inside, spacing_mm=spacing_mm).tolist()
    features = {
        "MeshVolume": volume,  # RNU0
        "VoxelVolume": float(np.count_nonzero(inside) * np.prod(spacing_mm)),  # YEKZ
        "SurfaceArea": area,  # C0JK
        "SurfaceVolumeRatio": area / volume,  # 2PR5
        "Sphericity": (36 * np.pi * volume**2) ** (1 / 3) / area,  # QCFX
        "Compactness1": volume / (area**1.5 * np.sqrt(np.pi)),  # SKGS
        "Compactness2": 36 * np.pi * volume**2 / area**3,  # BQWJ
        "SphericalDisproportion": area / (36 * np.pi * volume**2) ** (1 / 3),  # KRCK
        "Maximum3DDiameter": widest,  # L0JK
        "Maximum2DDiameterSlice": in_slice,
        "Maximum2DDiameterColumn": in_column,
        "Maximum2DDiameterRow": in_row,
        "MajorAxisLength": axis_length(major),  # TDIC
        "MinorAxisLength": axis_length(minor),  # P9VJ
        "LeastAxisLength": axis_length(least),  # 7J51
        "Elongation": axis_ratio(minor, major),  # Q3CK
        "Flatness": axis_ratio(least, major),  # N17B
    }
    return {name: float(features[name]) for name in names}
