"""Whether an image file is there to its end: ITK fills the voxels that a cut file lacks with zeros, without an error.

Nothing is decoded. The size of a file is compared with what its header promises, and the length at the end of a gzip
stream with the size of its image; other compressed streams are read to their checksum, JPEG and PNG to their last
marker.
"""

import re
import struct
import warnings
from collections.abc import Callable
from pathlib import Path

from PIL import TiffImagePlugin

from pipeline.cohort.volume_headers import cut_off, meta_image_fault, nifti_fault, nrrd_fault
from pipeline.foundation.errors import ImageError

JPEG, PNG, BMP, NRRD = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"NRRD"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # classic and BigTIFF, both byte orders
STRIPS_AND_TILES = ((273, 279), (324, 325))  # TIFF tags: where each begins, and its length in bytes
# In compressed data 0xFF is followed by 0x00 or by a restart marker D0-D7; anything else is a segment (ITU T.81, B.1).
JPEG_SEGMENT = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
END_OF_IMAGE = 0xD9
BMP_UNCOMPRESSED = (0, 3, 6)  # BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS


def check_complete(path: Path) -> None:
    """Raise ImageError if the file is cut off; files of other formats are not checked."""
    try:
        fault = _check_of(path)(path)
    except (EOFError, struct.error, ValueError):
        fault = "ends within its header"
    if fault:
        raise ImageError(cut_off(path, fault))


def _check_of(path: Path) -> Callable[[Path], str]:
    """The check for the format of a file, by its first bytes, or by its suffix if a format has none.

    A check returns what is missing, as a clause; empty if the file is complete.
    """
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        return nifti_fault
    if name.endswith((".mha", ".mhd")):
        return meta_image_fault
    with path.open("rb") as file:
        start = file.read(8)
    for magic, check in CHECK_OF.items():
        if start.startswith(magic):
            return check
    return lambda _: ""


def _jpeg_fault(path: Path) -> str:
    """Walk the segments to the end-of-image marker; the thumbnail within a segment has one of its own."""
    content, place = path.read_bytes(), 2
    while match := JPEG_SEGMENT.search(content, place):
        marker, place = content[match.start() + 1], match.end()
        if marker == END_OF_IMAGE:
            return ""
        if marker > 0x01:
            place += struct.unpack_from(">H", content, place)[0]
    return "has no end-of-image marker"


def _png_fault(path: Path) -> str:
    """Whether the final chunk is there."""
    return "" if b"IEND" in png_chunks(path) else "has no final chunk"


def png_chunks(path: Path) -> list[bytes]:
    """The types of the complete chunks of a PNG file (PNG, 5.3: length, type, data, checksum)."""
    place, size = len(PNG), path.stat().st_size
    kinds: list[bytes] = []
    with path.open("rb") as file:
        while place + 8 <= size and b"IEND" not in kinds:
            file.seek(place)
            length, kind = struct.unpack(">I4s", file.read(8))
            place += 12 + length
            if place <= size:
                kinds.append(kind)
    return kinds


def _tiff_fault(path: Path) -> str:
    """Compare the places of the strips or tiles of every page with the size of the file."""
    size = path.stat().st_size
    for tags in tiff_pages(path):
        ends = [
            start + count
            for offsets, counts in STRIPS_AND_TILES
            for start, count in zip(_listed(tags, offsets), _listed(tags, counts), strict=False)
        ]
        if not ends:
            raise EOFError("no strips")
        if max(ends) > size:
            return f"has {size} of {max(ends)} bytes"
    return ""


def tiff_pages(path: Path) -> list[TiffImagePlugin.ImageFileDirectory_v2]:
    """The tags of every page of a TIFF file. Raises EOFError, ValueError or struct.error if the file ends in them."""
    pages: list[TiffImagePlugin.ImageFileDirectory_v2] = []
    seen: set[int] = set()
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow reports tags that nobody asks for
        start = file.read(16)
        start = start if b"+" in start[2:4] else start[:8]  # BigTIFF has the longer header
        place = TiffImagePlugin.ImageFileDirectory_v2(start).next
        while place and place not in seen:
            seen.add(place)
            file.seek(place)
            tags = TiffImagePlugin.ImageFileDirectory_v2(start)
            try:
                tags.load(file)
            except (OSError, SyntaxError, KeyError, TypeError, OverflowError) as error:
                raise ValueError(str(error)) from error
            pages.append(tags)
            place = tags.next
    if not pages:
        raise EOFError("no page")
    return pages


def _listed(tags: TiffImagePlugin.ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    value = tags.get(tag, ())
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _bmp_fault(path: Path) -> str:
    """Compare the rows that the header announces (each padded to 4 bytes) with the size of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(54)
    start, kind = struct.unpack_from("<II", header, 10)
    if kind == 12:  # the header of OS/2
        width, height, _, bits = struct.unpack_from("<4H", header, 18)
        needed = start + (width * bits + 31) // 32 * 4 * height
    else:
        width, height, _, bits, compression, stored = struct.unpack_from("<iiHHII", header, 18)
        rows = (abs(width) * bits + 31) // 32 * 4 * abs(height)
        needed = start + (rows if compression in BMP_UNCOMPRESSED else stored)
    return f"has {size} of {needed} bytes" if size < needed else ""


CHECK_OF: dict[bytes, Callable[[Path], str]] = {
    NRRD: nrrd_fault,
    JPEG: _jpeg_fault,
    PNG: _png_fault,
    BMP: _bmp_fault,
    **dict.fromkeys(TIFF, _tiff_fault),
}
