"""Features of every voxel of a lesion: grey value, local mean, SD and entropy, gradient, from lesion voxels alone.

Windows and differences use no voxel outside the mask, so that the lesion's border makes no sub-region of its own. Grey
values are z-scored within the lesion first, hence a gain or an offset of the scanner changes no feature.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from pipeline.foundation.errors import ImageError
from pipeline.habitat.params import VoxelParams

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
GREY, GRADIENT = "grey", "gradient"
RANGE_SD = 3.0  # the bins of the entropy cover this many SD on either side of the lesion's mean


def voxel_feature_names(params: VoxelParams) -> tuple[str, ...]:
    """The columns of `voxel_features`, such as grey, mean_3, sd_3, entropy_3, gradient."""
    windows = (f"{kind}_{side}" for side, kind in product(params.window_px, ("mean", "sd", "entropy")))
    return (GREY, *windows, GRADIENT)


def voxel_features(
    voxels: NDArray[np.generic], *, mask: Mask, spacing: tuple[float, ...], params: VoxelParams
) -> Floats:
    """The features (n, p) of the n lesion voxels, in the order of `np.nonzero(mask)`; columns: `voxel_feature_names`.

    `voxels` and `mask` have one shape, (z, y, x) or (y, x); `spacing` is along the same axes, in any unit: only its
    proportions are used, for the gradient. Windows are cubes of voxels. Entropy is in bits.
    Raises ImageError if the lesion has fewer than two grey levels.
    """
    box = tuple(slice(int(ends.min()), int(ends.max()) + 1) for ends in np.nonzero(mask)) if mask.any() else ()
    inside, grey = mask[box], voxels[box].astype(np.float64)
    lesion = grey[inside]
    if not mask.any() or lesion.min() == lesion.max():
        raise ImageError(f"the lesion has {lesion.size} voxels of one grey level: it has no sub-regions")
    grey = np.where(inside, (grey - lesion.mean()) / lesion.std(), 0.0)
    columns = [grey[inside]]
    for side in params.window_px:
        columns += _window(grey, inside=inside, side=side, n_bins=params.entropy_bins)
    columns.append(_gradient(grey, inside=inside, spacing=spacing)[inside])
    return np.stack(columns, axis=1)


def _window(grey: Floats, *, inside: Mask, side: int, n_bins: int) -> list[Floats]:
    """Mean, SD and entropy of the lesion voxels in the window around each lesion voxel."""

    def share(values: Floats) -> Floats:
        return np.asarray(uniform_filter(values, size=side, mode="constant")[inside])

    filled = share(inside.astype(np.float64))
    mean = share(grey) / filled
    variance = share(grey**2) / filled - mean**2
    places = np.floor((grey + RANGE_SD) * n_bins / (2 * RANGE_SD)).clip(0, n_bins - 1)
    entropy = np.zeros_like(mean)
    for place in range(n_bins):
        fraction = share(((places == place) & inside).astype(np.float64)) / filled
        present = fraction > 1e-9  # less is the rounding of a running sum
        entropy[present] -= fraction[present] * np.log2(fraction[present])
    return [mean, np.sqrt(variance.clip(0)), entropy.clip(0)]


def _gradient(grey: Floats, *, inside: Mask, spacing: tuple[float, ...]) -> Floats:
    """The magnitude of the gradient per step along the finest axis; at the border one-sided, 0 without a neighbour."""
    total = np.zeros_like(grey)
    for axis, step in enumerate(spacing):
        sums, counts = np.zeros_like(grey), np.zeros_like(grey)
        low = tuple(slice(None, -1) if other == axis else slice(None) for other in range(grey.ndim))
        high = tuple(slice(1, None) if other == axis else slice(None) for other in range(grey.ndim))
        both = inside[low] & inside[high]
        difference = np.where(both, grey[high] - grey[low], 0.0)
        for end in (low, high):
            sums[end] += difference
            counts[end] += both
        total += (sums / np.maximum(counts, 1) * (min(spacing) / step)) ** 2
    return np.sqrt(total)
