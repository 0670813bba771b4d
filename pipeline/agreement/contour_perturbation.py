"""Draw a lesion's contour again as another reader might: a random, smooth displacement of the mask's outline.

The signed distance to the outline is compared with a random field instead of with 0. Half of the field's variance is
one number for the whole contour (a reader who draws wide or tight), half is white noise smoothed by a Gaussian (a
reader who differs here and there). In the spirit of Zwanenburg et al., Sci Rep 2019;9:614, who perturb volume and
contour to find the features that a repeated outline would keep.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.crop.rois import bounding_box
from pipeline.foundation.errors import ImageError

Mask = NDArray[np.bool_]
Numbers = NDArray[np.float64]


def perturbed(
    mask: NDArray[np.generic],
    *,
    amplitude: float,
    smoothness: float,
    spacing: tuple[float, ...],
    rng: np.random.Generator,
) -> Mask:
    """`mask` (2-D or 3-D, non-zero = lesion) with its contour displaced by a smooth random amount, as bool.

    `amplitude` is the standard deviation of the displacement along the contour's normal, `smoothness` the standard
    deviation of the Gaussian that smooths it, `spacing` the voxel size of each array axis, all three in one unit
    (mm; px with a spacing of 1). No displacement is larger than half of the lesion's greatest depth, so that each of
    its separate parts stays, never empty, and in one piece (voxels that touch at a corner are connected); two parts
    may grow together. Nothing leaves the image. Raises ImageError for an empty mask and for one without a contour (all
    voxels marked).
    """
    marked = np.asarray(mask) != 0
    if marked.all():
        raise ImageError("the mask covers the whole image; there is no contour to draw again")
    first, last = bounding_box(marked)
    # Room for nearly every displacement, and a voxel of background beside the lesion.
    room = [math.ceil(4 * amplitude / step) + 1 for step in spacing]
    box = tuple(slice(max(low - pad, 0), high + pad + 1) for low, high, pad in zip(first, last, room, strict=True))
    shift = amplitude * _field(marked[box].shape, sigmas=[smoothness / step for step in spacing], rng=rng)
    parts, count = ndimage.label(marked[box], structure=_touching(marked.ndim))
    drawn = np.zeros_like(marked)
    for part in range(1, count + 1):
        drawn[box] |= _displaced(parts == part, shift=shift, spacing=spacing)
    return drawn


def equivalent_radius(mask: NDArray[np.generic], *, spacing: tuple[float, ...]) -> float:
    """The radius of the disc (2-D) or ball (3-D) of the same size as `mask`, in the unit of `spacing`."""
    size = int(np.count_nonzero(mask)) * math.prod(spacing)
    return math.sqrt(size / math.pi) if mask.ndim == 2 else (3 * size / (4 * math.pi)) ** (1 / 3)


def _touching(ndim: int) -> Mask:
    return np.ones((3,) * ndim, dtype=np.bool_)


def _field(shape: tuple[int, ...], *, sigmas: list[float], rng: np.random.Generator) -> Numbers:
    """A random field of mean 0 and SD 1: a common number and a smooth field, half of the variance each."""
    common, noise = rng.standard_normal(), rng.standard_normal(shape)
    for axis, sigma in enumerate(sigmas):
        # Ends joined, so that the variance is the same at every voxel; then divided by what smoothing left of it.
        kernel = ndimage.gaussian_filter1d(np.eye(1, shape[axis])[0], sigma, mode="wrap")
        noise = ndimage.gaussian_filter1d(noise, sigma, axis=axis, mode="wrap") / np.sqrt((kernel**2).sum())
    return np.asarray(math.sqrt(0.5) * (common + noise))


def _displaced(part: Mask, *, shift: Numbers, spacing: tuple[float, ...]) -> Mask:
    """One connected part with its contour moved by `shift` (outwards where positive); in one piece."""
    # The contour runs half a voxel beyond the centre of the last marked voxel.
    half = min(spacing) / 2
    depth = ndimage.distance_transform_edt(part, sampling=spacing)
    height = ndimage.distance_transform_edt(~part, sampling=spacing)
    outside = np.where(part, half - depth, height - half)
    limit = (depth.max() - half) / 2
    drawn = outside <= np.clip(shift, -limit, limit)
    numbered, count = ndimage.label(drawn, structure=_touching(part.ndim))
    if count < 2:
        return np.asarray(drawn)
    return np.asarray(numbered == int(np.bincount(numbered.ravel())[1:].argmax()) + 1)
