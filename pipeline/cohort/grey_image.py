"""A source image in the common form: grey, true 2-D or 3-D, with the spacing that the format actually gives."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import RASTER_SUFFIXES, array_of, image_from, suffix_of

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601: R, G, B to grey; equal channels give their own value


@dataclass(frozen=True, kw_only=True)
class GreyImage:
    """One image: `stored` is the grey form; `grid` has the full geometry of the source (3-D if the file is 3-D).

    `spacing_known` False = the format gives no pixel size in mm (the dpi of a raster file is a print size).
    `colour` is True at pixels (z, y, x or y, x) whose channels differ; None for an image that was grey.
    `alpha_varies` True = a transparency channel with more than one value was dropped.
    """

    stored: sitk.Image
    grid: sitk.Image
    spacing_known: bool
    colour: NDArray[np.bool_] | None = field(default=None)
    alpha_varies: bool = False


def grey_image(image: sitk.Image, *, path: Path, colour_tolerance: int) -> GreyImage:
    """Convert an image as read from `path` to the stored form.

    `colour_tolerance`: largest difference between channels, in grey levels, that still counts as grey (JPEG noise).
    Raises ImageError for more than three axes, or a number of channels that cannot be converted to grey.
    """
    image = three_axes(image, path=path)
    raster = suffix_of(path) in RASTER_SUFFIXES
    channels = image.GetNumberOfComponentsPerPixel()
    colour, alpha_varies = None, False
    if channels > 1:
        array = array_of(image)
        if channels not in (2, 3, 4):
            raise ImageError(f"{path}: has {channels} channels, needs one (grey), three (RGB) or four (RGBA)")
        if channels in (2, 4):
            alpha_varies = bool((array[..., -1] != array[..., -1].flat[0]).any())
        grey = array[..., 0]
        if channels >= 3:
            red, green, blue = array[..., 0], array[..., 1], array[..., 2]
            brightest = np.maximum(np.maximum(red, green), blue)
            # The difference cannot wrap around in an unsigned type: it is never negative.
            colour = brightest - np.minimum(np.minimum(red, green), blue) > colour_tolerance
            grey = _luma(red, green, blue)
        image = image_from(grey, like=image)
    grid = without_geometry(image) if raster else image
    return GreyImage(
        stored=true_dimension(grid),
        grid=grid,
        spacing_known=not raster and has_spacing(image),
        colour=colour if colour is None else colour.reshape(array_of(true_dimension(grid)).shape),
        alpha_varies=alpha_varies,
    )


def three_axes(image: sitk.Image, *, path: Path) -> sitk.Image:
    """`image` with at most three axes; further axes of length one are dropped.

    Raises ImageError if a fourth axis is longer than one.
    """
    size = image.GetSize()
    if any(length > 1 for length in size[3:]):
        lengths = " x ".join(str(length) for length in size)
        raise ImageError(f"{path}: has {len(size)} axes ({lengths}), needs one 2-D or 3-D image; split the series")
    for axis in range(image.GetDimension() - 1, 2, -1):
        image = sitk.Extract(image, [*image.GetSize()[:axis], 0], [0] * (axis + 1))
    return image


def true_dimension(image: sitk.Image) -> sitk.Image:
    """A volume of one slice as a 2-D image with the slice's own spacing; anything else unchanged."""
    if image.GetDimension() == 2 or image.GetSize()[2] > 1:
        return image
    return image_from(array_of(image)[0], spacing_mm=image.GetSpacing()[:2])


def without_geometry(image: sitk.Image) -> sitk.Image:
    """The same voxels with spacing 1, origin 0 and no rotation."""
    return image_from(array_of(image))


def has_spacing(image: sitk.Image) -> bool:
    """Whether the header gives a voxel size; tools write a spacing of 1 in every direction when they know none.

    The spacing of a volume (more than one slice) is trusted, since 1 mm isotropic is common there.
    """
    is_volume = image.GetDimension() == 3 and image.GetSize()[2] > 1
    return is_volume or any(step != 1.0 for step in image.GetSpacing()[:2])


def _luma(red: NDArray[np.generic], green: NDArray[np.generic], blue: NDArray[np.generic]) -> NDArray[np.generic]:
    """Grey value of RGB voxels in the type of the image."""
    grey = LUMA[0] * red.astype(np.float64) + LUMA[1] * green.astype(np.float64) + LUMA[2] * blue.astype(np.float64)
    return np.rint(grey).astype(red.dtype) if np.issubdtype(red.dtype, np.integer) else grey.astype(red.dtype)
