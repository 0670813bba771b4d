"""The headers of a few images: axes, spacing and size, without reading a voxel."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeVar

import SimpleITK as sitk
from PIL import Image

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import RASTER_SUFFIXES, suffix_of

Item = TypeVar("Item")
SAMPLED = 20  # images whose headers are read: seconds for any number of images


@dataclass(frozen=True, kw_only=True)
class Header:
    """Axes (x, y[, z]) in voxels, spacing in mm (None = the format gives none), bytes on disk."""

    name: str
    size: tuple[int, ...]
    spacing_mm: tuple[float, ...] | None
    bytes_on_disk: int

    @property
    def is_volume(self) -> bool:
        """Whether the image has more than one slice."""
        return len(self.size) > 2 and self.size[2] > 1

    @property
    def voxels(self) -> int:
        """The number of voxels."""
        return prod(self.size)


def spread(items: Sequence[Item], *, count: int = SAMPLED) -> list[Item]:
    """At most `count` of `items`, evenly spread from the first to the last."""
    if len(items) <= count:
        return list(items)
    return [items[place * (len(items) - 1) // (count - 1)] for place in range(count)]


def read_header(path: Path) -> Header:
    """The header of an image file, or of a folder that holds one DICOM series (its
    first file, and as many slices as files).

    Raises ImageError if the header is not readable.
    """
    if path.is_dir():
        return _series_header(path)
    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        size, spacing = tuple(reader.GetSize()), tuple(reader.GetSpacing())
    except RuntimeError as error:
        size, spacing = _raster_size(path, cause=error), ()
    header = Header(name=path.name, size=size, spacing_mm=None, bytes_on_disk=path.stat().st_size)
    # As the import has it: the dpi of a raster file is a print size, and tools write 1 where they know no spacing.
    unknown = suffix_of(path) in RASTER_SUFFIXES or (not header.is_volume and set(spacing[:2]) == {1.0})
    return header if unknown else _with_spacing(header, spacing)


def _with_spacing(header: Header, spacing: tuple[float, ...]) -> Header:
    axes = 3 if header.is_volume else 2
    return Header(
        name=header.name, size=header.size, spacing_mm=spacing[:axes] or None, bytes_on_disk=header.bytes_on_disk
    )


def _raster_size(path: Path, *, cause: RuntimeError) -> tuple[int, ...]:
    """The axes of a raster file that ITK cannot read (1-bit BMP, grey PNG with alpha)."""
    try:
        if suffix_of(path) in RASTER_SUFFIXES:
            with Image.open(path) as raster:
                return raster.size
    except (OSError, ValueError, SyntaxError):
        pass
    raise ImageError(f"{path}: not readable as an image; export it again, or exclude it") from cause


def _series_header(folder: Path) -> Header:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise ImageError(f"{folder}: holds no file, needs one DICOM series; correct the path in the table of images")
    first = read_header(files[0])
    return Header(
        name=folder.name,
        size=(*first.size[:2], len(files)),
        # In the plane alone: the distance of the slices is known from all files only.
        spacing_mm=first.spacing_mm[:2] if first.spacing_mm else None,
        bytes_on_disk=sum(path.stat().st_size for path in files),
    )
