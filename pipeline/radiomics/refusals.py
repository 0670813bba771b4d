"""What every extraction engine refuses, in one wording: ROIs without texture or shape, and too many grey levels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError

# What PyRadiomics, its C code, ITK and numpy raise because of an image; a fault of the machine is none of these.
ON_IMAGE = (ValueError, AssertionError, RuntimeError, IndexError, ArithmeticError)
MAX_GREY_LEVELS = 1000
GOOD_LEVELS = 64
# A text in PyRadiomics' reason, and what it means.
MEANINGS = {
    "too few dimensions": "the ROI is a line of voxels, which has no texture and no shape; draw the whole lesion",
    "only contains 1 segmented voxel": "the ROI is a single voxel; draw the whole lesion",
    "Label (1) not present in mask": "the ROI has no voxel left after resampling; set a smaller resampledPixelSpacing, "
    "or check the voxel size in the image's header",
    "cannot compute length": "a filtered image has no finite range of grey levels; check the unit of the image",
}


def plain_reason(error: Exception) -> str:
    """PyRadiomics' reason in one line, preceded by its meaning if the text alone does not say it."""
    reason = " ".join(str(error).split()) or type(error).__name__
    meaning = next((plain for text, plain in MEANINGS.items() if text in reason), None)
    return f"{meaning} (PyRadiomics: {reason})" if meaning else reason


def check_levels(voxels: NDArray[Any], *, filtered: str, bin_width: float, bin_count: int | None) -> None:
    """Raise ImageError if `bin_count`, or the range of `voxels` over `bin_width`, gives more than MAX_GREY_LEVELS.

    `voxels` are those of the ROI; `filtered` is PyRadiomics' name of the image (original, wavelet-LLL …). Without
    voxels, or with values that are not finite, nothing is checked: these are refused elsewhere.
    """
    if not voxels.size or not np.isfinite(voxels).all():
        return
    low, high, width = float(voxels.min()), float(voxels.max()), float(bin_width)
    levels = int(bin_count) if bin_count is not None else int(high // width - low // width) + 1
    if levels <= MAX_GREY_LEVELS:
        return
    advice = f"set binCount to {GOOD_LEVELS}"
    if bin_count is None:
        advice = f"set binWidth to about {(high - low) / GOOD_LEVELS:.2g} or binCount to {GOOD_LEVELS}"
    rule = (
        f"binCount is {bin_count}"
        if bin_count is not None
        else f"binWidth is {width:g} and the range {low:g} to {high:g}"
    )
    raise ImageError(
        f"the ROI of the {filtered} image has {levels} grey levels ({rule}), more than {MAX_GREY_LEVELS}; "
        f"{advice} in the settings of params/radiomics.yaml, or give the images another unit"
    )
