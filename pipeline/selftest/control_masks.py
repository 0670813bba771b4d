"""Regions that are not the lesion: its mask moved beside it, a ring around it; and the lesion with its voxels shuffled.

A lesion in an ultrasound image casts a shadow, or brightens what lies below it: that is a sign of the lesion, not of
the site or the scanner. In a 2-D image, what lies straight below the lesion belongs to no control region.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from pipeline.crop.rois import bounding_box

Mask = NDArray[np.bool_]
TRIES = 400  # random positions of the moved mask
GAP_PX = 3  # an imprecise outline leaves no lesion in the ring, and a calliper at the lesion's end still reaches it
RING_RADII = 0.5  # width of the ring in radii of the lesion
MIN_RING_PX = 3


def lesion_zone(mask: Mask) -> Mask:
    """The lesion; in a 2-D image, also every pixel straight below it. `mask` (y, x) or (z, y, x)."""
    return np.logical_or.accumulate(mask, axis=0) if mask.ndim == 2 else mask


def moved_mask(mask: Mask, *, random: np.random.Generator) -> Mask | None:
    """The mask moved within its slices to a position outside the lesion's zone and entirely in the image, or None.

    `mask` (y, x) or (z, y, x). The nearest of the random positions is used, so that the tissue is similar.
    Raises ImageError if the mask is empty.
    """
    first, last = bounding_box(mask)
    (y0, x0), (y1, x1) = first[-2:], last[-2:]
    height, width = mask.shape[-2:]
    tries = [(int(random.integers(-y0, height - y1)), int(random.integers(-x0, width - x1))) for _ in range(TRIES)]
    zone, marked = lesion_zone(mask), np.nonzero(mask)
    for dy, dx in sorted(tries, key=lambda step: np.hypot(*step)):
        place = (*marked[:-2], marked[-2] + dy, marked[-1] + dx)
        if not zone[place].any():
            moved = np.zeros_like(mask)
            moved[place] = True
            return moved
    return None


def ring_mask(mask: Mask) -> Mask | None:
    """A ring in the slices of the lesion, from GAP_PX outside it, half of the lesion's radius wide; None if empty.

    `mask` (y, x) or (z, y, x). The radius is that of a disc of the lesion's mean area per slice. Pixels of the lesion's
    zone are excluded. Raises ImageError if the mask is empty.
    """
    slices = mask[np.newaxis] if mask.ndim == 2 else mask
    shown = slices.any(axis=(1, 2))
    radius = float(np.sqrt(slices.sum() / max(int(shown.sum()), 1) / np.pi))
    outer = GAP_PX + max(float(MIN_RING_PX), RING_RADII * radius)
    pad = int(np.ceil(outer)) + 1
    first, last = bounding_box(mask)
    rows = slice(max(first[-2] - pad, 0), last[-2] + pad + 1)
    columns = slice(max(first[-1] - pad, 0), last[-1] + pad + 1)
    ring = np.zeros_like(slices)
    for z in np.flatnonzero(shown):
        away = distance_transform_edt(~slices[z, rows, columns])
        ring[z, rows, columns] = (away > GAP_PX) & (away <= outer)
    found: Mask = ring.reshape(mask.shape) & ~lesion_zone(mask)
    return found if found.any() else None


def shuffled_voxels(image: NDArray[np.generic], *, mask: Mask, random: np.random.Generator) -> NDArray[np.generic]:
    """A copy of the image with the voxels of the mask in random order: its histogram, without any arrangement."""
    found = image.copy()
    found[mask] = random.permutation(image[mask])
    return found
