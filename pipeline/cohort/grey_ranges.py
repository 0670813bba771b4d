"""Audit of grey ranges: images on another scale than the rest, with another zero, or with values like fractions."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.cohort.findings import Finding, some_of, warning
from pipeline.cohort.image_summary import ImageSummary

GAP = 8.0  # factor: two scales with a gap as wide between them do not come from one kind of image
MIN_IMAGES = 5  # of one scale, for the comparison of means
ROBUST_SD = 1.4826  # times the median absolute deviation = the standard deviation of a normal distribution
FAR = 5.0  # robust standard deviations
OFFSET = 1.5  # standard deviations of the voxels: a mean that is nearer is a brighter image, not another zero
AIR_HU = -500.0  # a volume in Hounsfield units reaches below, unless it is cropped to tissue
RESCALED = 500.0  # grey levels by which the mean of a volume without the offset of -1024 is higher
NARROW = 2.0  # grey levels from minimum to maximum


def grey_findings(summaries: Mapping[str, ImageSummary]) -> list[Finding]:
    """Warnings about the images of a cohort whose grey values stand out; `summaries` by image_id.

    - scale: the standard deviation of the voxels, if a gap of more than the factor GAP divides the images in two;
    - zero: the mean, within the images of one scale, or Hounsfield units with and without their offset;
    - range: images whose values span less than NARROW, which the usual bin widths turn into one or two grey levels.
    """
    names = sorted(name for name, summary in summaries.items() if summary.deviation > 0)
    if not names:
        return []
    values = {
        key: np.array([getattr(summaries[name], key) for name in names]) for key in ("low", "high", "mean", "deviation")
    }
    few = _few_of_another_scale(values["deviation"])
    found = [_scale(names, few, values)] if few.any() else []
    offset = _offset(values, scale=~few)
    found += [_zero(names, offset, values)] if offset.any() else []
    narrow = values["high"] - values["low"] < NARROW
    return [*found, _narrow(names, narrow, values)] if narrow.any() else found


def _few_of_another_scale(deviation: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The images on the smaller side of the widest gap, if it is wider than GAP."""
    scale = np.log(np.sort(deviation))
    if len(scale) < 2 or np.diff(scale).max() <= np.log(GAP):
        return np.zeros(len(deviation), dtype=np.bool_)
    place = int(np.diff(scale).argmax())
    low = np.log(deviation) <= scale[place]
    return low if 2 * low.sum() <= len(low) else ~low


def _offset(values: Mapping[str, NDArray[np.float64]], *, scale: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The images of one `scale` whose zero is another one; the fewer ones, if two zeros are common."""
    mean, air = values["mean"], scale & (values["low"] <= AIR_HU)
    if air.any():
        raised = scale & ~air & (mean >= np.median(mean[air]) + RESCALED)
        if raised.any():
            return raised if raised.sum() <= air.sum() else air
    if scale.sum() < MIN_IMAGES:
        return np.zeros_like(scale)
    distance = np.abs(mean - np.median(mean[scale]))
    spread = ROBUST_SD * np.median(distance[scale])
    return np.asarray(scale & (distance > np.maximum(FAR * spread, OFFSET * np.median(values["deviation"][scale]))))


def _scale(names: Sequence[str], few: NDArray[np.bool_], values: Mapping[str, NDArray[np.float64]]) -> Finding:
    message = f"{_count(few)} on another grey scale than the other {int((~few).sum())}: "
    message += f"{_examples(names, few, values)}; the others have a median mean of "
    message += f"{np.median(values['mean'][~few]):.6g} and a median standard deviation of "
    message += f"{np.median(values['deviation'][~few]):.3g}: store all images in one unit and bit depth"
    return warning("images", scope="cohort", check="grey_scale_mixed", message=message)


def _zero(names: Sequence[str], offset: NDArray[np.bool_], values: Mapping[str, NDArray[np.float64]]) -> Finding:
    message = f"the grey values of {_count(offset)} shifted against the others: {_examples(names, offset, values)}; "
    message += f"the median mean of the others is {np.median(values['mean'][~offset]):.6g}: check the rescale "
    message += "intercept (-1024 of Hounsfield units) of these images, or whether they are of another kind"
    return warning("images", scope="cohort", check="grey_zero_mixed", message=message)


def _narrow(names: Sequence[str], narrow: NDArray[np.bool_], values: Mapping[str, NDArray[np.float64]]) -> Finding:
    message = f"{_count(narrow)} within a range of less than {NARROW:g} grey levels: "
    message += f"{_examples(names, narrow, values)}; with a bin width of 1 or more, radiomics sees one or two grey "
    message += "levels and no texture: store 0 to 255, or use a preset or settings with binCount"
    return warning("images", scope="cohort", check="grey_range_narrow", message=message)


def _count(which: NDArray[np.bool_]) -> str:
    return "1 image is" if which.sum() == 1 else f"{int(which.sum())} images are"


def _examples(names: Sequence[str], which: NDArray[np.bool_], values: Mapping[str, NDArray[np.float64]]) -> str:
    shown = [
        f"image {names[place]} (mean {values['mean'][place]:.6g}, "
        f"{values['low'][place]:g} to {values['high'][place]:g})"
        for place in np.flatnonzero(which).tolist()
    ]
    return some_of(shown, limit=5)
