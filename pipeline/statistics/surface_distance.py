"""Distances between the surfaces of two masks, by MONAI's exact Euclidean distances.

The surface of a mask is its voxels that share a side (in 3-D a face) with a voxel outside it; outside the image counts
as outside, and the wall of a hole is surface. From each surface voxel of one mask the distance to the nearest surface
voxel of the other is taken, between voxel centres, in both directions:

    HD95 = the larger of the two directed 95th percentiles (interpolated linearly, type 7)
    ASSD = (sum of both sets of distances) / (number of both), the average symmetric surface distance

as `monai.metrics.compute_hausdorff_distance(percentile=95)` and `compute_average_surface_distance(symmetric=True)`.
Other definitions of HD95 differ: MedPy takes the 95th percentile of both sets together, which is a little less.
Both masks empty: 0; one empty: NaN, to be counted, never a distance to an invented voxel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.statistics.overlap import NAN

PERCENTILE = 95


@dataclass(frozen=True, kw_only=True)
class SurfaceDistances:
    """HD95 and ASSD in px, or in the unit of the spacing."""

    hd95: float
    assd: float

    def scaled(self, factor: float) -> "SurfaceDistances":
        """The same distances in another unit: `factor` mm per px, if the spacing is that along every axis."""
        return SurfaceDistances(hd95=self.hd95 * factor, assd=self.assd * factor)


def surface_distances(
    a: NDArray[np.generic], b: NDArray[np.generic], *, spacing_mm: Sequence[float] | None = None
) -> SurfaceDistances:
    """HD95 and ASSD of two masks of one shape, (y, x) or (z, y, x), non-zero = inside; symmetric in the two.

    In px, or in mm if `spacing_mm` is given, in the order of the array's axes. Distances have the precision of float32.
    A volume of one slice counts as an image.
    Raises ValueError if the shapes differ, or the spacing is not one positive number per axis.
    """
    first, second, spacing = _checked(a, b, spacing_mm=spacing_mm)
    if (empty := _of_empty(first, second)) is not None:
        return SurfaceDistances(hd95=empty, assd=empty)
    # Imported here, since MONAI takes seconds to import.
    from monai.metrics.utils import get_mask_edges, get_surface_distance

    edges = get_mask_edges(first, second)
    forth, back = (
        np.asarray(get_surface_distance(one, other, spacing=spacing), dtype=np.float64)
        for one, other in (edges, edges[::-1])
    )
    return SurfaceDistances(
        hd95=float(max(np.percentile(forth, PERCENTILE), np.percentile(back, PERCENTILE))),
        # Sorted, so that the order of the two masks cannot change the last digit.
        assd=float(np.sort(np.concatenate([forth, back])).mean()),
    )


def hd95_all_foreground(
    a: NDArray[np.generic], b: NDArray[np.generic], *, spacing_mm: Sequence[float] | None = None
) -> float:
    """The variant published with TRFE-Net, for parity only: distances of all voxels of a mask, the interior included.

    The larger of the two directed 95th percentiles of the distance from every voxel of one mask to the other mask, 0
    inside it; much smaller than HD95 of surfaces if the masks overlap. Masks, unit, empty masks and errors as
    `surface_distances`.
    """
    first, second, spacing = _checked(a, b, spacing_mm=spacing_mm)
    if (empty := _of_empty(first, second)) is not None:
        return empty
    # The nearest voxel lies in the box around both masks.
    box = ndimage.find_objects((first | second).astype(np.uint8))[0]
    directed = []
    for source, target in ((first[box], second[box]), (second[box], first[box])):
        distances = ndimage.distance_transform_edt(~target, sampling=spacing)
        directed.append(float(np.percentile(distances[source], PERCENTILE)))
    return max(directed)


def _checked(
    a: NDArray[np.generic], b: NDArray[np.generic], *, spacing_mm: Sequence[float] | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[float] | None]:
    """The masks as booleans and the spacing; a volume of one slice without that axis, along which all is surface."""
    first, second = np.asarray(a) != 0, np.asarray(b) != 0
    if first.shape != second.shape:
        raise ValueError(f"the masks have the shapes {first.shape} and {second.shape}")
    if spacing_mm is not None and (len(spacing_mm) != first.ndim or not all(0 < step < np.inf for step in spacing_mm)):
        raise ValueError(f"spacing_mm ({tuple(spacing_mm)}) must be {first.ndim} positive numbers, one per axis")
    spacing = None if spacing_mm is None else [float(step) for step in spacing_mm]
    if first.ndim == 3 and 1 in first.shape:
        axis = first.shape.index(1)
        first, second = first.squeeze(axis), second.squeeze(axis)
        if spacing is not None:
            del spacing[axis]
    return first, second, spacing


def _of_empty(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float | None:
    """The distance if a mask is empty; None if neither is."""
    if first.any() and second.any():
        return None
    return NAN if first.any() or second.any() else 0.0
