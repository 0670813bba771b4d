"""Read an image or mask file of a source: every way in which a foreign file misleads its reader is an error first."""

import struct
import warnings
from pathlib import Path

import SimpleITK as sitk
from PIL import Image

from pipeline.cohort.file_completeness import JPEG, PNG, TIFF, check_complete, png_chunks, tiff_pages
from pipeline.cohort.nifti_nonfinite import with_nonfinite
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import read_image
from pipeline.foundation.source_root import similar_path

ORIENTATION, UPRIGHT = 274, 1  # the tag of EXIF and of TIFF, and its value for an image stored as it is shown
PHOTOMETRIC, MIN_IS_WHITE = 262, 0
# What Pillow raises on damaged EXIF data, which viewers ignore, or on a size that `read_image` refuses.
UNREADABLE_TAGS = (
    *(OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError, AttributeError, OverflowError, struct.error),
    Image.DecompressionBombError,
)


def read_source_image(path: Path) -> sitk.Image:
    """Read an image or mask of a source as stored, with the NaN and infinite voxels of NIfTI files.

    Raises ImageError if the file (or the folder of a DICOM series) is missing, empty, not permitted to be read, cut
    off, stored with white as its lowest value or turned by an EXIF tag, and for all faults of `read_image`.
    """
    try:
        _check_there(path)
        if path.is_file():
            check_complete(path)
            _check_tags(path)
        return with_nonfinite(read_image(path), path=path)
    except PermissionError as error:
        raise ImageError(
            f"{path}: must not be read ({error.strerror}); give this user the right to read it and its folder"
        ) from error
    except OSError as error:
        reason = error.strerror or error
        raise ImageError(f"{path}: cannot be read ({reason}); copy it again or correct its path") from error


def _check_there(path: Path) -> None:
    """Raise ImageError if there is no such file or folder, or the file is empty; PermissionError if it is barred."""
    try:
        empty = path.stat().st_size == 0 and path.is_file()
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise ImageError(f"{path}: is a link to a file that does not exist; copy the file itself") from error
        near = similar_path(path)
        hint = f"; did you mean '{near}'?" if near else ""
        raise ImageError(f"{path}: there is no such image{hint}") from error
    if empty:
        raise ImageError(f"{path}: is empty (0 bytes); copy it again from its source")
    if path.is_dir():
        next(path.iterdir(), None)
    else:
        path.open("rb").close()


def _check_tags(path: Path) -> None:
    """Refuse a raster file that viewers show turned, or with black and white exchanged, and array readers do not.

    It is unknown on which of the two forms its mask was drawn.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(TIFF):
        for tags in tiff_pages(path):
            if tags.get(PHOTOMETRIC) == MIN_IS_WHITE:
                raise ImageError(f"{path}: is stored as MinIsWhite (low values are white); save it as MinIsBlack")
            _check_upright(tags.get(ORIENTATION, UPRIGHT), path)
    elif start.startswith(JPEG) or (start == PNG and b"eXIf" in png_chunks(path)):
        _check_upright(_exif_orientation(path), path)


def _check_upright(orientation: object, path: Path) -> None:
    if orientation in range(2, 9):
        raise ImageError(
            f"{path}: its EXIF orientation is {orientation}, so viewers show it turned or mirrored and other programs "
            "do not; save it upright with orientation 1, and check that its mask fits"
        )


def _exif_orientation(path: Path) -> object:
    """The orientation that the EXIF data of a JPEG or PNG file give; 1 without any, or if they are unreadable."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as raster:
                return raster.getexif().get(ORIENTATION, UPRIGHT)
        except UNREADABLE_TAGS:
            return UPRIGHT
