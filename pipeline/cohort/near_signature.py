"""A small normalised copy of an image, in which re-saved, re-scaled or brightened copies of a picture are alike."""

from functools import cache

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter1d

SIDE = 64  # px of a signature along x and y
SLICES = 8  # of the signature of a volume
FINE_PX, COARSE_PX = 1.0, 4.0  # sigmas of the band: finer detail is lost by JPEG, coarser is the common layout
NOISE = 6.0 / 255  # fraction of the range: contrast below it is flattened, not amplified
LEVELS = 31.0  # levels per unit of local contrast
TAILS_PERCENT = (1, 99)  # percentiles of the reduced image that become 0 and 1

Signature = NDArray[np.int8]


def signature(image: sitk.Image) -> Signature:
    """The local contrast of an image on a small grid, shape (1, 64, 64), or (8, 64, 64) for a volume.

    The image is reduced to the grid, filtered by a difference of Gaussians and divided by its local standard deviation
    (local contrast normalisation: Jarrett et al., ICCV 2009), so that brightness, contrast and gamma nearly cancel out
    and no region outweighs another. Zero if the image is flat. It depends on this image alone.
    """
    array = sitk.GetArrayViewFromImage(image)
    stack = _slabs(np.asarray(array)) if image.GetDimension() == 3 else [np.asarray(array, dtype=np.float32)]
    reduced = np.stack([_reduced(plane) for plane in stack])
    low, high = np.percentile(reduced, TAILS_PERCENT)
    if not high > low:
        return np.zeros(reduced.shape, dtype=np.int8)
    scaled = np.clip((reduced - low) / (high - low), 0.0, 1.0)
    band = _smooth(scaled, FINE_PX) - _smooth(scaled, COARSE_PX)
    contrast = band / np.sqrt(_smooth(band * band, COARSE_PX) + NOISE**2)
    return np.rint(np.clip(contrast * LEVELS, -127, 127)).astype(np.int8)


def _slabs(volume: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    """Means of SLICES slabs of equal thickness; a thin volume gives slices more than once."""
    edges = np.linspace(0, len(volume), SLICES + 1)
    firsts, ends = np.floor(edges[:-1]).astype(int), np.ceil(edges[1:]).astype(int)
    return [volume[a:b].mean(axis=0, dtype=np.float32) for a, b in zip(firsts, ends, strict=True)]


def _reduced(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    # Pillow averages over all pixels that a smaller pixel covers.
    reduced = np.asarray(Image.fromarray(plane).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return np.nan_to_num(reduced, nan=0.0, posinf=0.0, neginf=0.0)


def _smooth(stack: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    kernel = _gaussian(sigma_px)
    return (kernel @ stack @ kernel.T).astype(np.float32, copy=False)


@cache
def _gaussian(sigma_px: float) -> NDArray[np.float32]:
    """A Gaussian filter of an axis of the signature as a matrix: two products are faster than a convolution."""
    return gaussian_filter1d(np.eye(SIDE), sigma_px, axis=0, mode="nearest").astype(np.float32)
