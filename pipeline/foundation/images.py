"""Images on disk: read any supported format, write the project's single format (NRRD with the true geometry).

Images are passed as `SimpleITK.Image`, with spacing, origin and direction; arrays are in (z,) y, x order.
"""

import hashlib
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from PIL import Image

from pipeline.foundation.errors import KEPT, ImageError, MachineError, lacks_memory

RASTER_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")
MODALITY, POSITION, ORIENTATION = "0008|0060", "0020|0032", "0020|0037"  # DICOM tags
PHOTOMETRIC, PIXEL_SPACING = "0028|0004", "0028|0030"
NUMBERS = {POSITION: (3, "Image Position"), ORIENTATION: (6, "Image Orientation"), PIXEL_SPACING: (2, "Pixel Spacing")}
ROUNDING = 1e-3  # of directions and of relative spacings, as scanners write them
# DICOM objects that hold a segmentation but are no image on the grid of another (media storage SOP classes, PS3.4).
SEGMENTATIONS = {
    "1.2.840.10008.5.1.4.1.1.481.3": "DICOM RT structure set (contours)",
    "1.2.840.10008.5.1.4.1.1.66.4": "DICOM segmentation object (SEG)",
    "1.2.840.10008.5.1.4.1.1.66.5": "DICOM surface segmentation",
}
DICOM_AT, DICOM = 128, b"DICM"  # the magic number follows a preamble
MAX_PIXELS_2D, MAX_VOXELS = 100_000_000, 1 << 31  # a file that declares more is damaged, or made to fill the memory
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")


def suffix_of(path: Path) -> str:
    """The lower-case suffix of an image file, `.nii.gz` as one."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def read_image(path: Path) -> sitk.Image:
    """Read one image file in any format SimpleITK supports, or the single DICOM series of a folder.

    Returns the image as stored (colour stays colour). Raises ImageError if it is missing or unreadable, if it has more
    than MAX_PIXELS_2D or MAX_VOXELS, if a folder does not hold exactly one complete and evenly spaced series, or if a
    DICOM file is an ultrasound clip, a segmentation object, or has a malformed geometry.
    """
    if not path.exists():
        raise ImageError(f"{path}: there is no such image")
    try:
        if path.is_dir():
            return _read_dicom_series(path)
        _check_object(path)
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        _check_size(reader.GetSize(), path)
        _check_photometric(reader, path)
        _geometry(reader, path)
        image = reader.Execute()
    except RuntimeError as error:
        if lacks_memory(error):  # the file may well be readable
            raise MemoryError(f"{path} cannot be read") from error
        if suffix_of(path) in RASTER_SUFFIXES:
            return _read_raster(path, reason=_reason(error, path))
        raise ImageError(f"{path}: not readable as an image ({_reason(error, path)})") from error
    if _tag(image, MODALITY) == "US" and image.GetDimension() == 3 and image.GetDepth() > 1:
        raise ImageError(f"{path}: is an ultrasound clip of {image.GetDepth()} frames; export one frame of it")
    return image


def _check_object(path: Path) -> None:
    """Refuse a DICOM segmentation object, which ITK cannot read, or reads as frames without their places."""
    if kind := SEGMENTATIONS.get(sop_class(path)):
        raise ImageError(
            f"{path}: is a {kind}, which is not read; convert it to a label map on the grid of its image "
            "(3D Slicer: export as NRRD or NIfTI) and give that file"
        )


def sop_class(path: Path) -> str:
    """The media storage SOP class of a DICOM file; empty if the file does not begin as DICOM does (PS3.10, 7.1)."""
    with path.open("rb") as file:
        content = file.read(4096)
    place = DICOM_AT + len(DICOM)
    if content[DICOM_AT:place] != DICOM:
        return ""
    while place + 8 <= len(content):
        group, element = struct.unpack_from("<HH", content, place)
        long = content[place + 4 : place + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT")
        if group != 2 or place + 12 > len(content):
            break
        (length,) = struct.unpack_from("<I" if long else "<H", content, place + (8 if long else 6))
        place += 12 if long else 8
        if element == 2:
            return content[place : place + length].rstrip(b"\0 ").decode("ascii", errors="replace")
        place += length
    return ""


def _check_size(size: Sequence[int], path: Path) -> None:
    """Refuse a size that no medical image has, before memory is taken for it."""
    volume = len(size) > 2 and size[2] > 1
    limit, pixels = (MAX_VOXELS if volume else MAX_PIXELS_2D), int(np.prod(size, dtype=float))
    if pixels > limit:
        lengths = " x ".join(str(length) for length in size)
        raise ImageError(f"{path}: declares {lengths} voxels, more than the limit of {limit}; crop or export it again")


def _check_photometric(image: sitk.ImageFileReader, path: Path) -> None:
    """Refuse images whose low values are white: read as stored, bright and dark would be swapped silently."""
    if _tag(image, PHOTOMETRIC) == "MONOCHROME1":
        raise ImageError(f"{path}: is stored as MONOCHROME1 (low values are white); export it as MONOCHROME2")


def _reason(error: RuntimeError, path: Path) -> str:
    """Why ITK could not read a file: its last informative line, without its source file and memory address."""
    if "Unable to determine ImageIO reader" in str(error):
        dicom = path.is_file() and sop_class(path)
        return "it begins as DICOM and is cut off, damaged or no image" if dicom else "of no known format, or damaged"
    if "orthonormal" in str(error):
        return "its direction axes are not perpendicular; resample it to a grid without shear, or correct its header"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].split("): ")[-1] if lines else "no reason given"


def _read_dicom_series(folder: Path) -> sitk.Image:
    reader = sitk.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    if not series:
        for file in _visible_files(folder):
            _check_object(file)
    if len(series) != 1:
        raise ImageError(f"{folder}: holds {len(series)} DICOM series, needs exactly one; use one folder per series")
    files = reader.GetGDCMSeriesFileNames(str(folder), series[0])
    _check_all_read(files, folder)
    _check_slices(files, folder)
    reader.SetFileNames(files)
    return reader.Execute()


def _visible_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _check_all_read(files: Sequence[str], folder: Path) -> None:
    """Refuse a folder with a file that GDCM passed over because it is damaged: the volume would lack its slice."""
    read = {Path(file).name for file in files}
    kind = sop_class(Path(files[0]))
    _check_object(Path(files[0]))
    for file in (path for path in _visible_files(folder) if path.name not in read):
        own = sop_class(file)
        if (own and own == kind) or (not own and file.suffix.lower() == ".dcm"):
            raise ImageError(f"{folder}: its file {file.name} is cut off or damaged; copy it again, or remove it")


def _check_slices(files: Sequence[str], folder: Path) -> None:
    """Refuse a series with a missing slice, or several images at one slice position: ITK would only log a warning."""
    geometries = []
    reader = sitk.ImageFileReader()
    for file in files:
        reader.SetFileName(file)
        reader.ReadImageInformation()
        _check_photometric(reader, folder)
        geometries.append(_geometry(reader, Path(file)))
    _check_size((*reader.GetSize()[:2], len(files)), folder)
    if len(files) < 2:
        return
    for tag in (POSITION, ORIENTATION):
        if any(tag not in geometry for geometry in geometries):
            raise ImageError(
                f"{folder}: the DICOM tag {NUMBERS[tag][1]} is empty in a slice, so the place of the slice is unknown; "
                "export the series again with its positions"
            )
    for tag in (ORIENTATION, PIXEL_SPACING):
        values = [geometry.get(tag, np.zeros(NUMBERS[tag][0])) for geometry in geometries]
        if np.ptp(values, axis=0).max() > ROUNDING * np.abs(values).max():
            raise ImageError(
                f"{folder}: its slices differ in the DICOM tag {NUMBERS[tag][1]}; use one folder per series"
            )
    normal = np.cross(geometries[0][ORIENTATION][:3], geometries[0][ORIENTATION][3:])
    _check_gaps(np.diff(sorted(float(np.dot(normal, geometry[POSITION])) for geometry in geometries)), folder)


def _check_gaps(gaps_mm: NDArray[np.float64], folder: Path) -> None:
    """Refuse distances between neighbouring slices that are 0 or differ; shape (n_slices - 1,)."""
    if gaps_mm.min() < 0.5 * np.median(gaps_mm) or gaps_mm.min() <= ROUNDING * gaps_mm.max():
        raise ImageError(
            f"{folder}: has several images at one slice position; use one folder per time point or phase, "
            "and remove copies of a slice"
        )
    if gaps_mm.max() > 1.05 * gaps_mm.min():
        distances = f"{gaps_mm.min():g} to {gaps_mm.max():g} mm apart"
        raise ImageError(f"{folder}: the slices lie {distances}; add the missing slices or interpolate the series")


def _geometry(reader: sitk.ImageFileReader, path: Path) -> dict[str, NDArray[np.float64]]:
    """Position, orientation and spacing as the DICOM tags of a file give them; ITK replaces a malformed one silently.

    Tags that are absent or empty are left out. Raises ImageError for a malformed one.
    """
    found = {}
    for tag, (count, name) in NUMBERS.items():
        text = _tag(reader, tag)
        if not text:
            continue
        try:
            values = np.array([float(part) for part in text.split("\\")])
        except ValueError:
            values = np.array([])
        wrong = values.size != count or not np.isfinite(values).all()
        if not wrong and tag == PIXEL_SPACING:
            wrong = bool(values.min() <= 0)
        if not wrong and tag == ORIENTATION:
            axes = values.reshape(2, 3)
            wrong = bool(np.abs(axes @ axes.T - np.eye(2)).max() > ROUNDING)
        if wrong:
            needed = {PIXEL_SPACING: " above 0", ORIENTATION: " of two perpendicular unit vectors"}.get(tag, "")
            raise ImageError(
                f"{path}: its DICOM tag {name} is '{text}', needs {count} numbers{needed}, with a decimal point; "
                "export it again or correct the header"
            )
        found[tag] = values
    return found


def _tag(image: sitk.Image | sitk.ImageFileReader, key: str) -> str:
    return image.GetMetaData(key).strip() if image.HasMetaDataKey(key) else ""


def _read_raster(path: Path, *, reason: str) -> sitk.Image:
    """A raster file that ITK cannot read (1-bit BMP, grey PNG with alpha), read by Pillow; channels stay channels."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit of pixels is half a limit; its errors remain
            with Image.open(path) as raster:
                _check_size(raster.size, path)
                wanted = {"1": "L", "P": "RGB"}.get(raster.mode, raster.mode)
                array = np.asarray(raster.convert(wanted))
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: declares too many pixels ({error}); crop or export it again") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{path}: not readable as an image ({reason})") from error
    return sitk.GetImageFromArray(array, isVector=array.ndim > 2)


def write_image(image: sitk.Image, path: Path) -> None:
    """Write `image` as compressed NRRD without any header entry of its source (so without the patient's name).

    Raises MachineError if it cannot be written, for example on a full disk; an older file then stays as it was.
    """
    clean = sitk.GetImageFromArray(
        sitk.GetArrayViewFromImage(image), isVector=image.GetNumberOfComponentsPerPixel() > 1
    )
    clean.CopyInformation(image)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{path.name}")
    try:
        sitk.WriteImage(clean, str(partial), useCompression=True)
    except RuntimeError as error:  # on a full disk too
        partial.unlink(missing_ok=True)
        reason = _reason(error, partial)
        raise MachineError(f"{path}: cannot be written ({reason}); free space on this disk; {KEPT}") from error
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
