"""What the audits of a whole cohort compare between its images: a few numbers and two small grids per image."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

MAX_VOXELS = 50_000  # mean and standard deviation of a larger image are those of every n-th voxel along each axis
GRIDS = {2: (48, 48), 3: (12, 16, 16)}  # cells along (z,) y, x
MAX_SAMPLES = 3  # voxels per cell along an axis, about
BACKGROUND = 1 / 8  # of the grid: grey trends over a longer distance do not count as contrast
MIN_WEIGHT = 1e-6


@dataclass(frozen=True, kw_only=True)
class MaskFit:
    """A lesion image and its mask on a coarse grid, to tell how well any mask fits any image of the same size.

    `image` @ `mask` of another image is the contrast of this image across the other's contour. Both have one value per
    cell, in half precision, since a cohort holds all of them: the image has mean 0 and standard deviation 1, and the
    mask weights sum to 0: positive inside the contour, negative outside.
    """

    size: tuple[int, ...]  # voxels, (z,) y, x
    image: NDArray[np.float16]
    mask: NDArray[np.float16]


@dataclass(frozen=True, kw_only=True)
class ImageSummary:
    """Grey range of an image, and where its lesion lies; what describes a lesion is empty if it is the whole image."""

    low: float
    high: float
    mean: float
    deviation: float
    lesion_voxels: int = 0
    lesion_share: float = 0.0  # fraction of the voxels of the image
    centre: tuple[float, ...] = ()  # of the lesion, as fractions of the image along x, y (, z)
    fit: MaskFit | None = None


def image_summary(array: NDArray[Any], *, lesion: NDArray[np.bool_] | None, whole: bool) -> ImageSummary | None:
    """The summary of one image, `array` of (z,) y, x, with its `lesion` of the same shape (None = no usable mask).

    `whole`: the lesion is declared to be the whole image. None if the image holds NaN or infinite voxels.
    """
    step = ceil((array.size / MAX_VOXELS) ** (1 / array.ndim)) if array.size > MAX_VOXELS else 1
    sample = array[(slice(None, None, step),) * array.ndim].astype(np.float64)
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():  # NaN passes on to both
        return None
    summary = ImageSummary(low=low, high=high, mean=float(sample.mean()), deviation=float(sample.std()))
    if lesion is None or whole or not lesion.any():
        return summary
    voxels = int(np.count_nonzero(lesion))
    share, fit = voxels / lesion.size, _fit(array, lesion=lesion)
    return replace(summary, lesion_voxels=voxels, lesion_share=share, centre=_centre(lesion), fit=fit)


def _centre(lesion: NDArray[np.bool_]) -> tuple[float, ...]:
    """The centre of mass as fractions of the image, x first."""
    others = [tuple(other for other in range(lesion.ndim) if other != axis) for axis in range(lesion.ndim)]
    used = [np.flatnonzero(lesion.any(axis=axes)) for axes in others]
    box = tuple(slice(int(rows[0]), int(rows[-1]) + 1) for rows in used)
    profiles = [lesion[box].sum(axis=axes) for axes in others]
    centres = [
        part.start + float((profile * np.arange(profile.size)).sum() / profile.sum()) + 0.5
        for part, profile in zip(box, profiles, strict=True)
    ]
    return tuple(centre / length for centre, length in zip(reversed(centres), reversed(lesion.shape), strict=True))


def _fit(array: NDArray[Any], *, lesion: NDArray[np.bool_]) -> MaskFit | None:
    """None if the lesion has no inside and outside at the resolution of the grid, or the image has no contrast."""
    cells = GRIDS[array.ndim]
    grey = _cells(array, cells)
    grey -= ndimage.gaussian_filter(grey, [BACKGROUND * length for length in grey.shape])
    share = _cells(lesion, cells)
    outside = ndimage.maximum_filter(share, 3) - share
    inside = share - ndimage.minimum_filter(share, 3)
    if min(inside.sum(), outside.sum(), grey.std()) < MIN_WEIGHT:
        return None
    mask = inside / inside.sum() - outside / outside.sum()
    image = (grey - grey.mean()) / grey.std()
    return MaskFit(size=array.shape, image=image.ravel().astype(np.float16), mask=mask.ravel().astype(np.float16))


def _cells(array: NDArray[Any], cells: tuple[int, ...]) -> NDArray[np.float32]:
    """Means over the cells of a regular grid, of at most MAX_SAMPLES voxels per cell and axis."""
    steps = [max(1, length // (MAX_SAMPLES * n)) for length, n in zip(array.shape, cells, strict=True)]
    values: NDArray[np.floating[Any]] = array[tuple(slice(None, None, step) for step in steps)].astype(np.float32)
    for axis, n in enumerate(cells):
        length = values.shape[axis]
        edges = np.linspace(0, length, min(n, length) + 1).astype(np.int64)
        sizes = np.diff(edges).reshape([-1 if other == axis else 1 for other in range(array.ndim)])
        values = np.add.reduceat(values, edges[:-1], axis=axis) / sizes.astype(np.float32)
    return np.asarray(values, dtype=np.float32)
