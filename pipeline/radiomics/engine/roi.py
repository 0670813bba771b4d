"""The ROI as the kernels take it: bounding box, occupied grey levels, and the offsets of the neighbours in memory."""

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product

import numpy as np

from pipeline.radiomics.engine.kernels import bounding_box, padded_ranks


@dataclass(frozen=True)
class Roi:
    """A discretised ROI in its bounding box, flat, with a margin of zeros.

    `ranks` int32 is 1 + the index into `levels` (occupied grey levels, ascending, int64), 0 outside; `voxels` int64 are
    the flat indices of the ROI's voxels, ascending; `counts` the number of voxels of each level; `extents` the size of
    the box and `shape` the same with the margin, along (z, y, x).
    """

    ranks: np.ndarray
    voxels: np.ndarray
    levels: np.ndarray
    counts: np.ndarray
    extents: tuple[int, int, int]
    shape: tuple[int, int, int]
    fixed_axis: int | None

    def neighbours(self, distances: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Directions (n, 3) between pairs of voxels at these distances that fit into the ROI, and their offsets (n,).

        One of each opposite pair; the offset is the step in memory. Both may be empty.
        """
        return neighbours_of(self.extents, self.shape, distances=distances, fixed_axis=self.fixed_axis)

    def both_ways(self, distances: tuple[int, ...]) -> np.ndarray:
        """Offsets (2n,) of all neighbours at these distances; see `neighbours`."""
        _, offsets = self.neighbours(distances)
        return np.concatenate([offsets, -offsets])


@lru_cache(maxsize=64)
def neighbours_of(
    extents: tuple[int, ...], shape: tuple[int, ...], *, distances: tuple[int, ...], fixed_axis: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """See `Roi.neighbours`; the image types of one crop share the result."""
    ways = half_space(distances, fixed_axis)
    fitting = ways[(np.abs(ways) < extents).all(axis=1)]
    return fitting, fitting @ np.array([shape[1] * shape[2], shape[2], 1], dtype=np.int64)


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


def roi_of(levels_image: np.ndarray, *, reach: int, force2d_axis: int | None) -> Roi:
    """The ROI of an image of grey levels, (ny, nx) or (nz, ny, nx), 0 outside the ROI, with a margin of `reach` voxels.

    No direction moves along `force2d_axis`, an axis of the image. Raises ValueError if the ROI is empty.
    """
    added = 3 - levels_image.ndim
    cube = np.ascontiguousarray(levels_image, dtype=np.int32).reshape((1,) * added + levels_image.shape)
    box, counts = bounding_box(cube)
    levels = np.flatnonzero(counts)
    if not levels.size:
        raise ValueError(
            "levels_image has no voxel above 0: the ROI needs at least 1; exclude images with an empty mask"
        )
    rank_of_level = np.zeros(len(counts), dtype=np.int32)
    rank_of_level[levels] = np.arange(1, len(levels) + 1)
    extents = box[:, 1] - box[:, 0]
    margins = np.where(extents > 1, reach, 0)  # no direction moves along an axis of one voxel
    ranks, voxels = padded_ranks(cube, box, rank_of_level, margins, int(counts.sum()))
    sizes = extents + 2 * margins
    return Roi(
        ranks=ranks,
        voxels=voxels,
        levels=levels,
        counts=counts[levels],
        extents=(int(extents[0]), int(extents[1]), int(extents[2])),
        shape=(int(sizes[0]), int(sizes[1]), int(sizes[2])),
        fixed_axis=None if force2d_axis is None else force2d_axis + added,
    )
