"""From the probability of a network to a mask: threshold, holes filled, small components removed, the largest kept."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.segment.params import PostprocessParams


def postprocessed(probability: NDArray[np.floating], *, params: PostprocessParams) -> NDArray[np.uint8]:
    """The mask (0 or 1) of a probability, (y, x) or (z, y, x), of the same shape; all 0 if nothing remains.

    In this order: voxels at or above the threshold; holes filled in each slice; connected components below
    `min_area_px` removed; of the others the largest kept, or all. Voxels that touch at a corner are connected, in a
    volume across slices too; of equal components the first in z, y, x order is kept, as for given masks.
    Raises ValueError if `probability` has another number of axes or a value outside 0 to 1.
    """
    if probability.ndim not in (2, 3):
        raise ValueError(f"the probability has the shape {probability.shape}; (y, x) or (z, y, x) is needed")
    if not ((probability >= 0) & (probability <= 1)).all():  # False for NaN too
        raise ValueError("a probability is missing or not between 0 and 1")
    mask = (probability >= params.threshold).astype(np.uint8)
    if not mask.any():
        return mask
    box = ndimage.find_objects(mask)[0]  # all further steps stay within the bounding box
    mask[box] = _cleaned(mask[box], params=params)
    return mask


def _cleaned(mask: NDArray[np.uint8], *, params: PostprocessParams) -> NDArray[np.uint8]:
    if params.fill_holes:
        slices = mask if mask.ndim == 3 else mask[np.newaxis]
        mask = np.stack([ndimage.binary_fill_holes(one) for one in slices]).reshape(mask.shape).astype(np.uint8)
    numbered, _ = ndimage.label(mask, structure=np.ones((3,) * mask.ndim))
    sizes = np.bincount(numbered.ravel())
    sizes[0] = 0
    kept = (sizes > 0) & (sizes >= params.min_area_px)
    if params.components == "largest":
        kept &= np.arange(sizes.size) == int(sizes.argmax())
    return np.asarray(kept[numbered], dtype=np.uint8)
