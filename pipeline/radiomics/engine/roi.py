"""The ROI as the kernels take it: bounding box, occupied grey levels, and the offsets of the neighbours in memory."""

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import product

import numpy as np

from pipeline.radiomics.engine.kernels import level_counts, neighbours_inside, places_in_margin, ranks_in_margin
from pipeline.radiomics.engine.kernels_links import touching
from pipeline.radiomics.engine.lines import bounding_box


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the voxels of a ROI lie, which is the same for all filtered images of a crop.

    `voxels` uint64 are the flat indices of the ROI's voxels in its bounding box with a margin, ascending; `extents` the
    size of the box and `shape` the same with the margin, along (z, y, x). `distances` (Chebyshev, in voxels) are those
    of GLCM, GLDM and NGTDM; no direction moves along `fixed_axis` (0 = z).
    """

    voxels: np.ndarray
    extents: tuple[int, int, int]
    shape: tuple[int, int, int]
    distances: tuple[int, ...]
    fixed_axis: int | None

    @property
    def size(self) -> int:
        """The number of positions in the box with its margin."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def offsets(self) -> np.ndarray:
        """Offsets (n,) between pairs of voxels at `distances`; see `neighbours`."""
        return self.neighbours(self.distances)[1]

    def neighbours(self, distances: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Directions (n, 3) between pairs of voxels at these distances that fit into the ROI, and their offsets (n,).

        One of each opposite pair; the offset is the step in memory, uint64. Both may be empty.
        """
        return neighbours_of(self.extents, self.shape, distances=distances, fixed_axis=self.fixed_axis)

    @cached_property
    def neighbours_inside(self) -> np.ndarray:
        """For each voxel, the number (n,) of its neighbours at `distances` that lie in the ROI."""
        return neighbours_inside(self.voxels, self.offsets, self.size)

    @cached_property
    def lines(self) -> np.ndarray:
        """Whether two voxels lie on one line along each direction of distance 1, adjacent or not (n,)."""
        directions, offsets = self.neighbours((1,))
        adjacent = touching(self.voxels, offsets, self.size)
        return np.array([near or self.share_line(way) for near, way in zip(adjacent, directions, strict=True)], bool)

    def share_line(self, direction: np.ndarray) -> bool:
        """Whether two voxels of the ROI lie on one line along the direction (3,), adjacent or not."""
        coordinates = np.stack(np.unravel_index(self.voxels.astype(np.int64), self.shape), axis=1)
        axis = np.flatnonzero(direction)[0]
        # Move each voxel along its line to coordinate 0 of one axis: voxels of one line end in one place.
        starts = coordinates - (coordinates[:, axis] * direction[axis])[:, None] * direction
        return len(np.unique(starts, axis=0)) < len(starts)


@dataclass(frozen=True, eq=False)
class Roi:
    """A discretised ROI.

    `ranks` uint16, flat in the box with its margin, is 1 + the index into `levels` (occupied grey levels, ascending,
    int64), 0 outside the ROI; `counts` is the number of voxels of each level.
    """

    layout: Layout
    ranks: np.ndarray
    levels: np.ndarray
    counts: np.ndarray


@lru_cache(maxsize=64)
def neighbours_of(
    extents: tuple[int, ...], shape: tuple[int, ...], *, distances: tuple[int, ...], fixed_axis: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """See `Layout.neighbours`; the image types of one crop share the result."""
    ways = half_space(distances, fixed_axis)
    fitting = ways[(np.abs(ways) < extents).all(axis=1)]
    offsets = fitting @ np.array([shape[1] * shape[2], shape[2], 1], dtype=np.int64)
    return fitting, offsets.astype(np.uint64)


@cache
def half_space(distances: tuple[int, ...], fixed_axis: int | None) -> np.ndarray:
    """Directions (n, 3) whose largest component (Chebyshev norm) is in `distances`, one of each opposite pair.

    In PyRadiomics' order, first the highest; none moves along `fixed_axis` (0 = z).
    """
    reach = max(distances)
    steps = range(reach, -reach - 1, -1)
    ways = [way for way in product(steps, steps, steps) if way > (0, 0, 0) and max(map(abs, way)) in distances]
    if fixed_axis is not None:
        ways = [way for way in ways if way[fixed_axis] == 0]
    return np.array(ways, dtype=np.int64).reshape(-1, 3)


def layout_of(inside: np.ndarray, *, distances: tuple[int, ...], force2d_axis: int | None) -> Layout:
    """The layout of a mask, (ny, nx) or (nz, ny, nx) bool, that fills its bounding box.

    No direction moves along `force2d_axis`, an axis of the mask.
    """
    added = 3 - inside.ndim
    cube = np.ascontiguousarray(inside).reshape((1,) * added + inside.shape)
    reach = max(1, *distances)
    margins = np.array([reach if side > 1 else 0 for side in cube.shape])  # no direction moves along one voxel
    depth, height, width = cube.shape
    nz, ny, nx = (int(side) for side in np.array(cube.shape) + 2 * margins)
    return Layout(
        voxels=places_in_margin(cube, margins, int(np.count_nonzero(cube))),
        extents=(depth, height, width),
        shape=(nz, ny, nx),
        distances=distances,
        fixed_axis=None if force2d_axis is None else force2d_axis + added,
    )


def roi_in(layout: Layout, levels: np.ndarray) -> Roi:
    """The ROI of the grey levels (n,) int32, from 1, of the voxels of a layout."""
    counts = level_counts(levels)
    occupied = np.flatnonzero(counts)
    return Roi(layout, ranks_in_margin(levels, layout.voxels, occupied, layout.size), occupied, counts[occupied])


def roi_of(levels_image: np.ndarray, *, distances: tuple[int, ...] = (1,), force2d_axis: int | None = None) -> Roi:
    """The ROI of an image of grey levels, (ny, nx) or (nz, ny, nx), 0 outside the ROI. See `Layout`.

    No direction moves along `force2d_axis`, an axis of the image. Raises ValueError if the ROI is empty.
    """
    box = bounding_box(levels_image > 0)
    if box is None:
        raise ValueError(
            "levels_image has no voxel above 0: the ROI needs at least 1; exclude images with an empty mask"
        )
    boxed = levels_image[box].astype(np.int32)
    return roi_in(layout_of(boxed > 0, distances=distances, force2d_axis=force2d_axis), boxed[boxed > 0])
