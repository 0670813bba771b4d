"""The offset of a mask from its image: the largest shift between the corners of the two grids, and its limits."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.cohort.findings import Finding, error, info, warning
from pipeline.cohort.grey_image import GreyImage, true_dimension
from pipeline.foundation.images import array_of

NOISE_VOXEL = 1e-6  # rounding of the arithmetic: no shift
REPAIRED_BELOW_VOXEL = 0.01  # rounding of headers
REFUSED_ABOVE_VOXEL = 0.5  # beyond it, the nearest voxel of the mask is a different one
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Offset:
    """The largest shift of a corner: as a distance in mm, and along the worst axis in voxels of the image."""

    mm: float
    voxel: float


def grid_offset(image: sitk.Image, mask: sitk.Image) -> Offset:
    """The largest shift between corner voxels of two grids of one size (origin, spacing and direction together).

    Between the corners every shift is smaller, since both grids are affine.
    """
    ends = [(0, length - 1) for length in image.GetSize()]
    worst_mm, worst_voxel = 0.0, 0.0
    for corner in product(*ends):
        there = np.array(mask.TransformIndexToPhysicalPoint(corner))
        here = np.array(image.TransformIndexToPhysicalPoint(corner))
        index = np.array(image.TransformPhysicalPointToContinuousIndex(there.tolist()))
        worst_mm = max(worst_mm, float(np.linalg.norm(there - here)))
        worst_voxel = max(worst_voxel, float(np.abs(index - np.array(corner)).max()))
    return Offset(mm=worst_mm, voxel=worst_voxel)


def fit_mask(mask: sitk.Image, *, grey: GreyImage, image_id: str, name: str) -> tuple[Mask | None, list[Finding]]:
    """The marked voxels of `mask` on the grid of the image, or None with an error finding if it does not fit.

    For offsets of up to half a voxel, taking the image's geometry equals nearest-neighbour interpolation onto its grid:
    every voxel keeps its index.
    """
    flat = true_dimension(mask)
    if flat.GetSize() != grey.stored.GetSize():
        message = f"the mask {name} has {_size(flat)} voxels and the image {_size(grey.stored)}; "
        message += "draw the mask on this image, or correct its path"
        return None, [error(image_id, scope="image", check="size_mismatch", message=message)]
    marked = array_of(flat) != 0
    if mask.GetDimension() != grey.grid.GetDimension():
        return marked, []
    offset = grid_offset(grey.grid, mask)
    if offset.voxel <= NOISE_VOXEL:
        return marked, []
    distance = f"the mask {name} is offset by up to {offset.mm:.3g} mm ({offset.voxel:.3g} voxels) from the image"
    if offset.voxel > REFUSED_ABOVE_VOXEL:
        message = f"{distance}; export it on the grid of this image"
        return None, [error(image_id, scope="image", check="geometry_mismatch", message=message)]
    if offset.voxel >= REPAIRED_BELOW_VOXEL:
        message = f"{distance}; it was put on the image's grid: check that it belongs to this image"
        return marked, [warning(image_id, scope="image", check="geometry_offset", message=message)]
    message = f"{distance}, a rounding error of the header; it was put on the image's grid"
    return marked, [info(image_id, scope="image", check="geometry_repaired", message=message)]


def _size(image: sitk.Image) -> str:
    return " x ".join(str(length) for length in image.GetSize())
