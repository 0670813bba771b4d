"""Decode a mask file into 0 and 1: integer labels, 0/255 images, lossy JPEG, colour files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from pydantic import Field

from pipeline.cohort.findings import Finding, error, info, warning
from pipeline.cohort.grey_image import three_axes
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, read_image, suffix_of
from pipeline.foundation.params import Params

Voxels = NDArray[Any]
LOSSY_SUFFIXES = (".jpg", ".jpeg")
WHITE = 255
GREY_LEVELS = 32  # a lossless file up to 255 with more levels than this is a grey image, not a label map


class MaskParams(Params):
    """`params/cohort.yaml: masks`."""

    label: Literal["auto"] | Annotated[int, Field(ge=-32768, le=65535, strict=True)] = "auto"
    mask_decode: Literal["threshold128", "trfe_floor"] = "threshold128"
    lesion: Literal["largest", "union"] = "largest"


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
        image = three_axes(read_image(path), path=path)
    except ImageError as fault:
        check = "mask_unreadable" if path.exists() else "mask_missing"
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
