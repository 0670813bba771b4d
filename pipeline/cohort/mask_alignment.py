"""How far a mask lies off its image: the largest shift between the corners of the two grids."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import SimpleITK as sitk

NOISE_VOXEL = 1e-6  # rounding of the arithmetic: no shift
REPAIRED_BELOW_VOXEL = 0.01  # rounding of headers
REFUSED_ABOVE_VOXEL = 0.5  # beyond it, the nearest voxel of the mask is another one


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
