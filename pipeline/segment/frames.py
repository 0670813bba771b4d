"""Whole images as a network sees them, slice by slice, and the way back to the image's own size."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of
from pipeline.networks.inputs import SquarePlace, place_in_square, unit_grey
from pipeline.segment.params import FrameParams

WHITE = 255


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One image: grey levels uint8 (slices, S, S) of a network, where they lie in the square, and the shape of the
    image, (y, x) or (z, y, x).
    """

    slices: NDArray[np.uint8]
    place: SquarePlace
    shape: tuple[int, ...]


def frame_of(image: sitk.Image, *, params: FrameParams) -> Frame:
    """The frame of an image: every slice resized, bilinear with antialiasing; a 2-D image is one slice.

    Raises ImageError for a colour image or a voxel that is not finite.
    """
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise ImageError("has several colour channels; a segmentation network takes a greyscale image")
    array: NDArray[Any] = array_of(image)
    if not np.isfinite(array).all():
        raise ImageError("holds voxels that are not finite")
    slices = np.atleast_3d(array.T).T
    spacing_x, spacing_y = image.GetSpacing()[:2]
    place = place_in_square(
        (slices.shape[1], slices.shape[2]),
        size_px=params.image_size_px,
        keep=params.resize == "pad",
        aspect=spacing_y / spacing_x,
    )
    grey = _in_square(unit_grey(slices, params.window), place, size_px=params.image_size_px)
    return Frame(slices=np.rint(grey * WHITE).astype(np.uint8), place=place, shape=array.shape)


def mask_slices(mask: NDArray[np.generic], frame: Frame, *, size_px: int) -> NDArray[np.uint8]:
    """A mask (non-zero = inside) on the grid of its frame, 0 or 255, shape (slices, S, S): a pixel is inside if half of
    it is. Raises ImageError if its shape is not that of the image.
    """
    if mask.shape != frame.shape:
        raise ImageError(f"the mask of {mask.shape} and the image of {frame.shape} voxels differ in size")
    inside = (np.atleast_3d(np.asarray(mask).T).T != 0).astype(np.float32)
    return np.where(_in_square(inside, frame.place, size_px=size_px) >= 0.5, WHITE, 0).astype(np.uint8)


def _in_square(slices: NDArray[np.float32], place: SquarePlace, *, size_px: int) -> NDArray[np.float32]:
    resized = interpolate(
        torch.from_numpy(np.ascontiguousarray(slices))[None],
        size=(place.height, place.width),
        mode="bilinear",
        antialias=True,
    )[0].numpy()
    square = np.zeros((len(slices), size_px, size_px), dtype=np.float32)
    rows, columns = slice(place.top, place.top + place.height), slice(place.left, place.left + place.width)
    square[:, rows, columns] = np.clip(resized, 0, 1)
    return square


def at_own_size(probability: NDArray[np.float32], frame: Frame) -> NDArray[np.float32]:
    """The probability of a network (slices, S, S) at the size of the image, bilinear, in its shape."""
    place = frame.place
    inside = probability[:, place.top : place.top + place.height, place.left : place.left + place.width]
    resized = interpolate(
        torch.from_numpy(np.ascontiguousarray(inside))[None],
        size=frame.shape[-2:],
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )[0].numpy()
    return np.clip(resized, 0, 1).reshape(frame.shape)
