"""Images on disk: read any supported format, write the project's single format (NRRD with the true geometry).

Images are passed as `SimpleITK.Image`, with spacing, origin and direction; arrays are in (z,) y, x order.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

from pipeline.foundation.errors import ImageError

RASTER_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
MODALITY, POSITION, ORIENTATION = "0008|0060", "0020|0032", "0020|0037"  # DICOM tags
PHOTOMETRIC = "0028|0004"
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")


def suffix_of(path: Path) -> str:
    """The lower-case suffix of an image file, `.nii.gz` as one."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def read_image(path: Path) -> sitk.Image:
    """Read one image file in any format SimpleITK supports, or the single DICOM series of a folder.

    Returns the image as stored (colour stays colour). Raises ImageError if it is missing or unreadable, if a folder
    does not hold exactly one evenly spaced series, or if a DICOM file is an ultrasound clip.
    """
    if not path.exists():
        raise ImageError(f"{path}: there is no such image")
    try:
        if path.is_dir():
            return _read_dicom_series(path)
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        if suffix_of(path) in RASTER_SUFFIXES:
            return _read_raster(path, reason=_reason(error))
        raise ImageError(f"{path}: not readable as an image ({_reason(error)})") from error
    if _tag(image, MODALITY) == "US" and image.GetDimension() == 3 and image.GetDepth() > 1:
        raise ImageError(f"{path}: is an ultrasound clip of {image.GetDepth()} frames; export one frame of it")
    _check_photometric(image, path)
    return image


def _check_photometric(image: sitk.Image | sitk.ImageFileReader, path: Path) -> None:
    """Refuse images whose low values are white: read as stored, bright and dark would be swapped silently."""
    if _tag(image, PHOTOMETRIC) == "MONOCHROME1":
        raise ImageError(f"{path}: is stored as MONOCHROME1 (low values are white); export it as MONOCHROME2")


def _reason(error: RuntimeError) -> str:
    """The last informative line of an ITK exception, without its source file and memory address."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ")[-1] if lines else "no reason given"


def _read_dicom_series(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        raise ImageError(f"{folder}: holds {len(series)} DICOM series, needs exactly one; use one folder per series")
    files = reader.GetGDCMSeriesFileNames(str(folder), series[0])
    _check_slices(files, folder)
    reader.SetFileNames(files)
    return reader.Execute()


def _check_slices(files: Sequence[str], folder: Path) -> None:
    """Refuse a series with a missing slice, or several images at one slice position: ITK would only log a warning."""
    places = []
    reader = sitk.ImageFileReader()
    for file in files:
        reader.SetFileName(file)
        reader.ReadImageInformation()
        _check_photometric(reader, folder)
        position, axes = _tag(reader, POSITION), _tag(reader, ORIENTATION)
        if not position or not axes:
            return
        row, column = np.array(axes.split("\\"), dtype=float).reshape(2, 3)
        places.append(float(np.dot(np.cross(row, column), np.array(position.split("\\"), dtype=float))))
    gaps = np.abs(np.diff(sorted(places)))
    if gaps.size and gaps.min() < 0.5 * np.median(gaps):
        raise ImageError(f"{folder}: has several images at one slice position; use one folder per time point or phase")
    if gaps.size and gaps.max() > 1.05 * gaps.min():
        distances = f"{gaps.min():g} to {gaps.max():g} mm apart"
        raise ImageError(f"{folder}: the slices lie {distances}; add the missing slices or interpolate the series")


def _tag(image: sitk.Image | sitk.ImageFileReader, key: str) -> str:
    return image.GetMetaData(key).strip() if image.HasMetaDataKey(key) else ""


def _read_raster(path: Path, *, reason: str) -> sitk.Image:
    """A raster file that ITK cannot read (1-bit BMP, grey PNG with alpha), read by Pillow; channels stay channels."""
    try:
        with Image.open(path) as raster:
            wanted = {"1": "L", "P": "RGB"}.get(raster.mode, raster.mode)
            array = np.asarray(raster.convert(wanted))
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{path}: not readable as an image ({reason})") from error
    return sitk.GetImageFromArray(array, isVector=array.ndim > 2)


def write_image(image: sitk.Image, path: Path) -> None:
    """Write `image` as compressed NRRD without any header entry of its source (so without the patient's name)."""
    clean = sitk.GetImageFromArray(
        sitk.GetArrayViewFromImage(image), isVector=image.GetNumberOfComponentsPerPixel() > 1
    )
    clean.CopyInformation(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    sitk.WriteImage(clean, str(partial), useCompression=True)
    partial.replace(path)


def array_of(image: sitk.Image) -> NDArray[np.generic]:
    """The voxels as an array, shape (z, y, x) or (y, x)."""
    return sitk.GetArrayFromImage(image)


def image_from(
    array: NDArray[np.generic], *, like: sitk.Image | None = None, spacing_mm: tuple[float, ...] = ()
) -> sitk.Image:
    """An image from an array of shape (z, y, x) or (y, x), with the geometry of `like` or the (x, y[, z]) spacing."""
    image = sitk.GetImageFromArray(array)
    if like is not None:
        image.CopyInformation(like)
    elif spacing_mm:
        image.SetSpacing(spacing_mm)
    return image


def pixel_hash(image: sitk.Image) -> str:
    """SHA-256 of shape, type and voxels: equal for two files that hold the same voxels, whatever their headers."""
    array = np.ascontiguousarray(sitk.GetArrayViewFromImage(image))
    digest = hashlib.sha256(f"{array.shape}{array.dtype}".encode())
    digest.update(array.tobytes())
    return digest.hexdigest()
