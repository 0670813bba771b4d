"""Audit of the masks of a cohort: one mask for several patients, lesions of unusual size or position."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.cohort.findings import Finding, error, some_of, warning
from pipeline.cohort.image_summary import ImageSummary

MIN_IMAGES = 20  # for a comparison of sizes and positions
ROBUST_SD = 1.4826  # times the median absolute deviation = the standard deviation of a normal distribution
FAR = 5.0  # robust standard deviations
MIN_FACTOR, MIN_SHIFT = 10.0, 0.3  # of the size, and of the position as a fraction of the image: less is no outlier
MOST = 0.5  # fraction of the patients: a mask of more is an error


@dataclass(frozen=True, kw_only=True)
class UsedMask:
    """The mask of one image: its files as they are named in the source, the hashes of its voxels and of the image's."""

    image_id: str
    patient_id: str
    files: tuple[Path, ...]
    voxels: str
    pixels: str


def shared_mask_findings(masks: Sequence[UsedMask], *, patients: int) -> list[Finding]:
    """Masks that several of `patients` patients share, though their images differ: one warning for all of them.

    A mask file of more than the fraction MOST of the patients is an error of its own.
    """
    found, left = [], list(masks)
    for name, same in sorted(_shared(masks, key=lambda mask: " and ".join(map(str, mask.files))).items()):
        owners = {mask.patient_id for mask in same}
        if len(owners) > MOST * patients and len(owners) > 2:
            message = f"the mask {name.rpartition('/')[2]} is that of {len(owners)} of {patients} patients; "
            message += "give each image its own mask, or set roi: full in params/cohort.yaml if there are none"
            found.append(error("masks", scope="cohort", check="mask_of_many", message=message))
            left = [mask for mask in left if mask not in same]
    groups = _shared(left, key=lambda mask: mask.voxels)
    if groups:
        listed = [_images(same) for same in groups.values()]
        count = "1 mask is" if len(groups) == 1 else f"{len(groups)} masks are"
        message = f"{count} the same for different images of several patients: "
        message += f"{some_of(sorted(listed), limit=5, between='; ')}; check that each image has its own mask"
        found.append(warning("masks", scope="cohort", check="mask_repeated", message=message))
    return found


def outlier_findings(summaries: Mapping[str, ImageSummary]) -> list[Finding]:
    """One warning about lesions whose size or position is unlike that of the others; `summaries` by image_id.

    Outliers are FAR robust standard deviations from the median (of the logarithm of the voxels; of the centre along
    each axis), and at least MIN_FACTOR or MIN_SHIFT away, since the lesions of some cohorts are nearly alike.
    """
    names = sorted(name for name, summary in summaries.items() if summary.lesion_voxels)
    if len(names) < MIN_IMAGES or len({len(summaries[name].centre) for name in names}) > 1:
        return []
    sizes = np.array([summaries[name].lesion_voxels for name in names], dtype=np.float64)
    centres = np.array([summaries[name].centre for name in names])
    small_or_large = _outliers(np.log(sizes), nearest=np.log(MIN_FACTOR))
    aside = np.any([_outliers(along, nearest=MIN_SHIFT) for along in centres.T], axis=0)
    typical = f"{np.median(sizes):.0f} voxels at {_place(np.median(centres, axis=0))} of the image"
    shown = [
        f"image {names[row]} ({sizes[row]:.0f} voxels at {_place(centres[row])})"
        for row in np.flatnonzero(small_or_large | aside).tolist()
    ]
    if not shown:
        return []
    count = "1 lesion is" if len(shown) == 1 else f"{len(shown)} lesions are"
    message = f"{count} unlike the others in size or position: {some_of(shown, limit=5)}; the median is {typical}: "
    message += "check that the mask is that of the lesion, and that it is neither inverted nor moved"
    return [warning("masks", scope="cohort", check="mask_outliers", message=message)]


def _outliers(values: NDArray[np.float64], *, nearest: float) -> NDArray[np.bool_]:
    distance = np.abs(values - np.median(values))
    return np.asarray(distance > max(FAR * ROBUST_SD * float(np.median(distance)), nearest))


def _place(centre: Sequence[float]) -> str:
    return ", ".join(f"{axis} {part:.0%}" for axis, part in zip("xyz", centre, strict=False))


def _shared(masks: Sequence[UsedMask], *, key: Callable[[UsedMask], str]) -> dict[str, list[UsedMask]]:
    """The masks with the same `key` (empty = none) that different patients use for different images."""
    groups: dict[str, list[UsedMask]] = defaultdict(list)
    for mask in sorted(masks, key=lambda mask: mask.image_id):
        if key(mask):
            groups[key(mask)].append(mask)
    return {
        name: same
        for name, same in groups.items()
        if len({mask.patient_id for mask in same}) > 1 and len({mask.pixels for mask in same}) > 1
    }


def _images(same: Sequence[UsedMask]) -> str:
    names = [mask.image_id for mask in same]
    return f"images {some_of(names, limit=4)}" if len(names) > 4 else f"images {', '.join(names[:-1])} and {names[-1]}"
