"""Perturb a lesion's contour as another reader might draw it: a random, smooth displacement of the mask's boundary.

The signed distance to the contour is compared with a random field instead of with 0. Half of the field's variance is
one number for the whole contour (a reader who draws wide or tight), half is white noise smoothed by a Gaussian (a
reader who differs locally). In the spirit of Zwanenburg et al., Sci Rep 2019;9:614, who perturb volume and contour to
find the features that are robust to repeated segmentation.
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
    (mm; px with a spacing of 1). No displacement exceeds half of the greatest depth of a connected component (voxels
    that touch at a corner are connected), so that each component remains non-empty and connected; two components may
    merge. The result is clipped to the image. Raises ImageError if the mask is empty or has no contour (all voxels
    marked).
    """
    marked = np.asarray(mask) != 0
    if marked.all():
        raise ImageError("the mask covers the whole image; there is no contour to perturb")
    first, last = bounding_box(marked)
    # Padding for nearly every displacement, and a voxel of background beside the lesion.
    padding = [math.ceil(4 * amplitude / step) + 1 for step in spacing]
    box = tuple(slice(max(low - pad, 0), high + pad + 1) for low, high, pad in zip(first, last, padding, strict=True))
    shift = amplitude * _field(marked[box].shape, sigmas=[smoothness / step for step in spacing], rng=rng)
    components, count = ndimage.label(marked[box], structure=_touching(marked.ndim))
    result = np.zeros_like(marked)
    for number in range(1, count + 1):
        result[box] |= _displaced(components == number, shift=shift, spacing=spacing)
    return result


def equivalent_radius(mask: NDArray[np.generic], *, spacing: tuple[float, ...]) -> float:
    """The radius of the disc (2-D) or ball (3-D) of the same size as `mask`, in the unit of `spacing`."""
    size = int(np.count_nonzero(mask)) * math.prod(spacing)
    return math.sqrt(size / math.pi) if mask.ndim == 2 else (3 * size / (4 * math.pi)) ** (1 / 3)


def _touching(ndim: int) -> Mask:
    return np.ones((3,) * ndim, dtype=np.bool_)


def _field(shape: tuple[int, ...], *, sigmas: list[float], rng: np.random.Generator) -> Numbers:
    """A random field of mean 0 and SD 1: a common number and a smooth field, each with half of the variance."""
    common, noise = rng.standard_normal(), rng.standard_normal(shape)
    for axis, sigma in enumerate(sigmas):
        # Periodic boundary, for the same variance at every voxel; then divided by the SD that remains after smoothing.
        kernel = ndimage.gaussian_filter1d(np.eye(1, shape[axis])[0], sigma, mode="wrap")
        noise = ndimage.gaussian_filter1d(noise, sigma, axis=axis, mode="wrap") / np.sqrt((kernel**2).sum())
    return np.asarray(math.sqrt(0.5) * (common + noise))


def _displaced(component: Mask, *, shift: Numbers, spacing: tuple[float, ...]) -> Mask:
    """One connected component with its contour displaced by `shift` (outwards if positive), as one component."""
    # The contour runs half a voxel beyond the centre of the last marked voxel.
    half = min(spacing) / 2
    depth = ndimage.distance_transform_edt(component, sampling=spacing)
    height = ndimage.distance_transform_edt(~component, sampling=spacing)
    outside = np.where(component, half - depth, height - half)
    limit = (depth.max() - half) / 2
    displaced = outside <= np.clip(shift, -limit, limit)
    numbered, count = ndimage.label(displaced, structure=_touching(component.ndim))
    if count < 2:
        return np.asarray(displaced)
    return np.asarray(numbered == int(np.bincount(numbered.ravel())[1:].argmax()) + 1)
