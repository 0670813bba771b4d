"""Decode a mask file into 0 and 1: integer labels, 0/255 images, lossy JPEG, colour files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydantic import field_validator

from pipeline.cohort.findings import Finding, error, info, warning
from pipeline.cohort.grey_image import three_axes
from pipeline.cohort.source_image import read_source_image
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, suffix_of
from pipeline.foundation.params import Params

Voxels = NDArray[Any]
LOSSY_SUFFIXES = (".jpg", ".jpeg")
WHITE = 255
LABELS = (-32768, 65535)  # the range of `label`: signed and unsigned 16 bit
GREY_LEVELS = 32  # a lossless file with as many values or more is grey, not a label map
# Between an eighth and seven eighths of the maximum lie the edges of a mask, even a smoothed or strongly compressed one
# (of 621 masks: at most 0.8 times the voxels above 127, and 6 % of all), but most of an image. An image has more than
# so many times the voxels above 127, and than this fraction of all; that recognises 1,552 of 1,552 images.
BETWEEN = (1 / 8, 7 / 8)
OF_IMAGE = ((1, 0.1), (3, 0.02))


class MaskParams(Params):
    """`params/cohort.yaml: masks`."""

    label: int | str = "auto"
    mask_decode: Literal["threshold128", "trfe_floor"] = "threshold128"
    lesion: Literal["largest", "union"] = "largest"

    @field_validator("label", mode="before")
    @classmethod
    def _label(cls, given: Any) -> Any:
        whole = isinstance(given, int) and not isinstance(given, bool) and LABELS[0] <= given <= LABELS[1]
        if not whole and given != "auto":
            raise ValueError(f"The label must be auto, or a whole number from {LABELS[0]} to {LABELS[1]}")
        return given


@dataclass(frozen=True, kw_only=True)
class DecodedMask:
    """A mask of voxels 0 and 1 (uint8) on the grid of its own file; None if `findings` has an error."""

    mask: sitk.Image | None
    findings: list[Finding] = field(default_factory=list)


def decode_mask(path: Path, *, image_id: str, params: MaskParams) -> DecodedMask:
    """Read the mask file of `image_id`: the lesion voxels, and the faults of the file.

    - `label: auto` takes the only non-zero label, and rejects several; `label: n` takes n.
    - A JPEG mask has grey levels from compression: voxels of 128 and above are lesion (`threshold128`), or those that
      reach the maximum (`trfe_floor`, the published loaders' rule, which loses 12 % of the area on average).
    - Equal colour channels count as one grey channel, alpha is dropped; one colour on black counts as a label.
    """
    try:
        image = three_axes(read_source_image(path), path=path)
    except ImageError as fault:
        check = "mask_missing" if "there is no such image" in str(fault) else "mask_unreadable"
        message = f"the mask {str(fault).replace(str(path), path.name)}"  # the folder of the data stays private
        return DecodedMask(mask=None, findings=[error(image_id, scope="image", check=check, message=message)])
    array, findings = _one_channel(image, image_id=image_id, name=path.name)
    chosen: NDArray[np.bool_] | None = None
    if array is not None:
        lossy = suffix_of(path) in LOSSY_SUFFIXES
        chosen, faults = _chosen(array, lossy=lossy, image_id=image_id, name=path.name, params=params)
        findings += faults
    mask = None if chosen is None else image_from(chosen.astype(np.uint8), like=image)
    return DecodedMask(mask=mask, findings=findings)


def _one_channel(image: sitk.Image, *, image_id: str, name: str) -> tuple[Voxels | None, list[Finding]]:
    """The grey values of a mask file with any number of channels, or None with an error finding."""
    array: Voxels = array_of(image)
    channels = image.GetNumberOfComponentsPerPixel()
    if channels == 1:
        return array, []
    findings = []
    if channels in (2, 4) and np.ptp(array[..., -1]) > 0:
        message = f"the mask {name} has an alpha channel that varies; it was dropped"
        findings.append(warning(image_id, scope="image", check="mask_colour", message=message))
    colours = array[..., : 3 if channels >= 3 else 1]
    if (colours == colours[..., :1]).all():
        if not findings:
            message = f"the mask {name} is a colour file of equal channels; one was taken"
            findings.append(info(image_id, scope="image", check="mask_colour", message=message))
        return colours[..., 0], findings
    found = np.unique(colours.reshape(-1, colours.shape[-1]), axis=0)
    if len(found) == 2 and not found[0].any():
        message = f"the mask {name} shows one colour {tuple(found[1].tolist())} on black; the colour is the lesion"
        findings.append(warning(image_id, scope="image", check="mask_colour", message=message))
        return np.asarray(colours.any(axis=-1), dtype=np.uint8), findings
    message = f"the mask {name} has {len(found)} colours, so its labels are ambiguous; save it as one grey channel"
    return None, [error(image_id, scope="image", check="mask_colour", message=message)]


def _chosen(
    array: Voxels, *, lossy: bool, image_id: str, name: str, params: MaskParams
) -> tuple[NDArray[np.bool_] | None, list[Finding]]:
    """The voxels of the wanted label, or None with an error finding."""
    if np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array) & (array == np.rint(array))).all():
            message = f"the mask {name} contains values that are not whole numbers; save it as a label map"
            return None, [error(image_id, scope="image", check="mask_not_integer", message=message)]
        array = array.astype(np.int64)
    sizes = _label_sizes(array)
    labels = {label: size for label, size in sizes.items() if label != 0}
    if not labels:
        message = f"the mask {name} is empty; draw the lesion or exclude the image"
        return None, [error(image_id, scope="image", check="mask_empty", message=message)]
    if picture := _picture(sizes, lossy=lossy, label=params.label):
        message = f"the mask {name} looks like an image, not like a mask: {picture}; correct its path, or set "
        message += "masks.label in params/cohort.yaml if it is a label map"
        return None, [error(image_id, scope="image", check="mask_is_image", message=message)]
    if _is_grey(labels, lossy=lossy, label=params.label):
        return _grey_levels(array, sizes=sizes, lossy=lossy, image_id=image_id, name=name, params=params)
    return _labelled(array, labels=labels, image_id=image_id, name=name, label=params.label)


def _label_sizes(array: Voxels) -> dict[int, int]:
    """The number of voxels of each value, in ascending order of value."""
    low, high = int(array.min()), int(array.max())
    if high - low < 1 << 16:  # slice by slice: a volume need not be copied or sorted
        counts = np.zeros(high - low + 1, dtype=np.int64)
        for plane in array:
            counts += np.bincount(plane.astype(np.int64).ravel() - low, minlength=counts.size)
        return {low + int(place): int(counts[place]) for place in np.flatnonzero(counts)}
    values, counts = np.unique(array, return_counts=True)
    return {int(value): int(count) for value, count in zip(values, counts, strict=True)}


def _picture(sizes: dict[int, int], *, lossy: bool, label: int | str) -> str:
    """Why the values are those of an image, as a clause; empty if they can be a mask's, or a label is requested."""
    low, high = min(sizes), max(sizes)
    if (label != "auto" and not lossy) or len(sizes) < GREY_LEVELS:
        return ""
    if low < 0 or high > WHITE:
        return f"it has {len(sizes)} different values from {low} to {high}"
    total, marked = sum(sizes.values()), sum(size for value, size in sizes.items() if value >= 128)
    between = sum(size for value, size in sizes.items() if BETWEEN[0] * high < value < BETWEEN[1] * high)
    if not any(between > max(times * marked, fraction * total) for times, fraction in OF_IMAGE):
        return ""
    return f"{between} of its {total} voxels have grey levels between black and white, and {marked} are above 127"


def _is_grey(labels: dict[int, int], *, lossy: bool, label: int | str) -> bool:
    """Whether the values are grey levels: always in a JPEG; otherwise many levels and no requested label."""
    return lossy or (label == "auto" and len(labels) >= GREY_LEVELS and max(labels) <= WHITE and min(labels) > 0)


def _grey_levels(
    array: Voxels, *, sizes: dict[int, int], lossy: bool, image_id: str, name: str, params: MaskParams
) -> tuple[NDArray[np.bool_] | None, list[Finding]]:
    brightest = max(sizes)
    if params.label not in ("auto", 1, WHITE):
        message = f"label {params.label} cannot be distinguished from the grey levels of the lossy mask {name}; "
        message += "save it as PNG"
        return None, [error(image_id, scope="image", check="mask_lossy", message=message)]
    if params.mask_decode == "threshold128" and brightest < 128:
        message = f"the brightest grey level of the mask {name} is {brightest}, below the threshold of 128; "
        message += "save it as PNG with 0 and 255, or exclude the image"
        return None, [error(image_id, scope="image", check="mask_empty", message=message)]
    findings = []
    between = sum(size for value, size in sizes.items() if value not in (0, brightest))
    if between:
        message = f"the mask {name} has {between} voxels of grey levels between 0 and {brightest}; {params.mask_decode}"
        kind = info if lossy else warning
        findings.append(kind(image_id, scope="image", check="mask_lossy", message=message))
    if params.mask_decode == "trfe_floor":
        return array == brightest, findings
    return array >= 128, findings


def _labelled(
    array: Voxels, *, labels: dict[int, int], image_id: str, name: str, label: int | str
) -> tuple[NDArray[np.bool_] | None, list[Finding]]:
    listed = ", ".join(f"{value} ({size} voxels)" for value, size in list(labels.items())[:10])
    if label == "auto":
        if len(labels) > 1:
            message = f"the mask {name} has {len(labels)} labels: {listed}; "
            message += "set masks.label in params/cohort.yaml to the lesion's"
            return None, [error(image_id, scope="image", check="mask_labels", message=message)]
        label = next(iter(labels))
        if label not in (1, WHITE):
            message = f"the mask {name} has the one label {label}; it was taken"
            return array == label, [info(image_id, scope="image", check="mask_label_taken", message=message)]
    if label not in labels:
        message = f"the mask {name} has no label {label}, only {listed}; "
        message += "correct the mask, or masks.label in params/cohort.yaml"
        return None, [error(image_id, scope="image", check="mask_labels", message=message)]
    findings = []
    if len(labels) > 1:
        message = f"the mask {name} has {len(labels)} labels: {listed}; label {label} was taken"
        findings.append(info(image_id, scope="image", check="mask_labels", message=message))
    return array == label, findings
