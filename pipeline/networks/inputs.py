"""Network inputs: the bounding box of each lesion's mask, resized to one size, in 256 grey levels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.foundation.errors import ImageError, listed
from pipeline.foundation.images import array_of, read_image
from pipeline.networks.params import GreyWindow, InputParams


class ChannelStatistics(NamedTuple):
    """Mean and SD of the three channels of the images that given weights were trained on, on a scale of 0 to 1."""

    mean: tuple[float, float, float]
    sd: tuple[float, float, float]


Normalisation = Literal["imagenet", "image"] | ChannelStatistics
IMAGENET = ChannelStatistics(mean=(0.485, 0.456, 0.406), sd=(0.229, 0.224, 0.225))
MIN_SD = 1e-3  # a constant image becomes zeros
MIN_RANGE = 1e-12  # a constant image becomes zeros
TAILS_PERCENT = (0.5, 99.5)


@dataclass(frozen=True, kw_only=True)
class RoiInputs:
    """The inputs of all usable images, in a fixed order.

    `pixels` is uint8 of shape (n, P, S, S): P is 1, or 3 with the neighbouring slices. If the views of a patient are
    one sample (pipeline.embed.view_pairs) it is (n, V, P, S, S), and `present` (n, V) marks the views that exist.
    `resamples` (n,): the resample for which the mask of the image was predicted, or empty text for all; () = all.
    """

    image_ids: tuple[str, ...]
    patient_ids: tuple[str, ...]
    views: tuple[str, ...]
    pixels: NDArray[np.uint8]
    present: NDArray[np.bool_] | None = None
    resamples: tuple[str, ...] = ()

    def rows_of(self, patients: frozenset[str], *, resample: str = "") -> NDArray[np.intp]:
        """The rows that belong to these patients in a resample, ascending, shape (m,)."""
        found = np.array([i for i, patient in enumerate(self.patient_ids) if patient in patients], dtype=np.intp)
        if not self.differs:
            return found
        return np.array([i for i in found if self.resamples[i] in ("", resample)], dtype=np.intp)

    @property
    def differs(self) -> bool:
        """Whether an image has another mask in another resample."""
        return any(self.resamples)


def read_roi_inputs(rois: pd.DataFrame, *, folder: Path, params: InputParams) -> RoiInputs:
    """Read the input of every ROI with status `ok`, sorted by image_id.

    Parameters: `rois` (table of the crop stage, or of `rois_by_resample`), `folder` (where its image and mask files
    are).
    Raises ImageError that lists every ROI that cannot be used.
    """
    rois = rois if "resample" in rois else rois.assign(resample="")
    usable = rois[rois["status"] == "ok"].sort_values(["image_id", "resample"])
    pixels, faults = [], []
    for row in usable.itertuples(index=False):
        try:
            pixels.append(roi_pixels(read_image(folder / row.image), read_image(folder / row.mask), params=params))
        except ImageError as error:
            faults.append(f"{row.image_id}: {error}")
    if faults:
        raise ImageError(listed(faults, heading=f"{len(faults)} ROIs cannot be used as network input"))
    if not pixels:
        raise ImageError("no ROI has the status ok, so there is nothing to embed; check rois.csv")
    return RoiInputs(
        image_ids=tuple(usable["image_id"]),
        patient_ids=tuple(usable["patient_id"]),
        views=tuple(usable["view"]),
        pixels=np.stack(pixels),
        resamples=tuple(usable["resample"]),
    )


def roi_pixels(image: sitk.Image, mask: sitk.Image, *, params: InputParams) -> NDArray[np.uint8]:
    """The input of one ROI: grey levels, shape (1, S, S).

    The bounding box of the mask plus the margin, never beyond the crop; in a 3-D ROI, of the slice with the most lesion
    voxels (the first of ties). With slice rule `neighbours` the slices before and after it are further channels, shape
    (3, S, S), cropped to the same box (2.5-D); at the end of the crop, and in a 2-D image, the slice itself replaces a
    missing neighbour. `pad` keeps the proportions in mm and fills with black.
    Raises ImageError for a colour image, a mask on another grid, an empty mask, or a voxel that is not finite.
    """
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ImageError("has several colour channels; an ROI must be a greyscale image")
    if image.GetSize() != mask.GetSize():
        raise ImageError(f"image of {image.GetSize()} and mask of {mask.GetSize()} voxels differ in size")
    grey: NDArray[Any] = array_of(image)
    lesion = np.asarray(array_of(mask)).astype(bool)
    if not lesion.any():
        raise ImageError("the mask holds no voxel")
    grey, lesion = np.atleast_3d(grey.T).T, np.atleast_3d(lesion.T).T  # a 2-D image is one slice
    largest = int(lesion.sum(axis=(1, 2)).argmax())
    offsets = (-1, 0, 1) if params.slice_rule == "neighbours" else (0,)
    chosen = [min(max(largest + offset, 0), len(grey) - 1) for offset in offsets]
    box = grey[chosen][:, *_box(lesion[largest], margin_px=params.margin_px)]
    if not np.isfinite(box).all():
        raise ImageError("holds voxels that are not finite")
    spacing_x, spacing_y = image.GetSpacing()[:2]
    return squared(unit_grey(box, params.window), params=params, aspect=spacing_y / spacing_x)


def _box(lesion: NDArray[np.bool_], *, margin_px: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(lesion.any(axis=1)), np.flatnonzero(lesion.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin_px), int(rows[-1]) + 1 + margin_px),
        slice(max(0, int(columns[0]) - margin_px), int(columns[-1]) + 1 + margin_px),
    )


def unit_grey(box: NDArray[Any], window: GreyWindow | None) -> NDArray[np.float32]:
    """Grey values to 0..1: by the window; without one, 8-bit images unchanged and others between two percentiles."""
    if window is not None:
        low, high = window.low, window.high
    elif box.dtype == np.uint8:
        low, high = 0.0, 255.0
    else:
        low, high = (float(value) for value in np.percentile(box, TAILS_PERCENT))
    scaled = (box.astype(np.float64) - low) / max(high - low, MIN_RANGE)
    return np.clip(scaled, 0, 1).astype(np.float32)


class SquarePlace(NamedTuple):
    """Where an image lies in the square of a network: the rest is black."""

    top: int
    left: int
    height: int
    width: int


def place_in_square(shape_px: tuple[int, int], *, size_px: int, keep: bool, aspect: float) -> SquarePlace:
    """The place of an image of this height and width in a square; `keep`: with its proportions in mm, where `aspect` is
    the height of a pixel over its width, else it fills the square.
    """
    if not keep:
        return SquarePlace(0, 0, size_px, size_px)
    tall, wide = shape_px[0] * aspect, float(shape_px[1])
    height, width = (max(1, round(size_px * side / max(tall, wide))) for side in (tall, wide))
    return SquarePlace((size_px - height) // 2, (size_px - width) // 2, height, width)


def squared(box: NDArray[np.float32], *, params: InputParams, aspect: float) -> NDArray[np.uint8]:
    """Bilinear with antialiasing, (P, h, w) to uint8 (P, S, S); `aspect` is the height of a pixel over its width."""
    size, shape = params.image_size_px, (box.shape[1], box.shape[2])
    top, left, height, width = place_in_square(shape, size_px=size, keep=params.resize == "pad", aspect=aspect)
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(box)[None], size=(height, width), mode="bilinear", antialias=True
    )[0].numpy()
    canvas = np.zeros((len(box), size, size), dtype=np.uint8)
    canvas[:, top : top + height, left : left + width] = np.rint(np.clip(resized, 0, 1) * 255).astype(np.uint8)
    return canvas


def normalised(grey: Tensor, *, how: Normalisation) -> Tensor:
    """Grey batch in 0..1, shape (N, P, S, S), to the three channels a network takes, (N, 3, S, S).

    One plane (P = 1) gives three equal channels, three planes give one channel each. `imagenet`: minus the mean of
    ImageNet's channels, divided by their SD; other statistics likewise. `image`: each image to mean 0, SD 1.
    """
    if how != "image":
        statistics = IMAGENET if how == "imagenet" else how
        channel_mean, channel_sd = (torch.tensor(one, device=grey.device).view(1, 3, 1, 1) for one in statistics)
        return (grey - channel_mean) / channel_sd
    mean = grey.mean(dim=(1, 2, 3), keepdim=True)
    sd = grey.std(dim=(1, 2, 3), keepdim=True, correction=0).clamp(min=MIN_SD)
    return ((grey - mean) / sd).expand(-1, 3, -1, -1)


def resized(grey: Tensor, *, size_px: int) -> Tensor:
    """Images (..., C, S, S) resized to side `size_px`, bilinear with antialiasing; unchanged if they have that side."""
    if grey.shape[-1] == size_px:
        return grey
    flat = grey.reshape(-1, *grey.shape[-3:])
    changed = nn.functional.interpolate(flat, size=(size_px, size_px), mode="bilinear", antialias=True)
    return changed.reshape(*grey.shape[:-2], size_px, size_px)
