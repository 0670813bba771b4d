"""The bytes that the header of a NIfTI, NRRD or MetaImage file promises, against those that are there."""

import math
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

GZIP = b"\x1f\x8b"
NIFTI1 = 348  # bytes of the header, and its first number; ITK does not read NIfTI-2
# Bits of a voxel by NIfTI's code of the type (nifti1.h); the header's own bitpix is used for other codes.
NIFTI_BITS = {2: 8, 4: 16, 8: 32, 16: 32, 32: 64, 64: 64, 128: 24, 256: 8, 512: 16, 768: 32, 1024: 64, 1280: 64}
NIFTI_FLOATS = {16: "f4", 64: "f8"}  # integers have no NaN
SIZE_AT, TYPE_AT, VOXELS_AT = 40, 70, 108  # offsets of dim, datatype and vox_offset in bytes
NRRD_BYTES = {"char": 1, "int8": 1, "short": 2, "int16": 2, "int": 4, "int32": 4, "long": 8, "int64": 8}
NRRD_BYTES |= {"float": 4, "double": 8}
META_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
DATA_FILE = {"data file", "datafile"}  # the field of a header whose voxels are in another file; ITK checks that one
EITHER = zlib.MAX_WBITS | 32  # zlib finds out whether a stream is of gzip or of zlib
CUT_STREAM = "ends within its compressed data"
CHUNK = 1 << 20
PADDING = 16 << 20  # bytes after the voxels that are still read, up to the checksum; more is no image's


def cut_off(path: Path, fault: str) -> str:
    """The sentence for a file of which `fault` (a clause) says what is missing."""
    return f"{path}: is cut off or damaged: it {fault}; copy it again from its source"


def nifti_fault(path: Path) -> str:
    """What a `.nii` or `.nii.gz` lacks, as a clause; empty if it is complete, or no NIfTI-1 file."""
    with path.open("rb") as file:
        header, packed = nifti_header(file)
        if not packed:
            return _short(path.stat().st_size, nifti_bytes(header))
        if nifti_float(header) is not None:
            return ""  # `with_nonfinite` reads these to their end, which is not done twice
        return _gzip_fault(file, needed=nifti_bytes(header))


def nifti_float(header: bytes) -> np.dtype[Any] | None:
    """The type of the voxels of a NIfTI-1 file if they are single real numbers; None for integers and vectors."""
    for order in "<>":
        if struct.unpack_from(f"{order}i", header)[0] == NIFTI1:
            (code,) = struct.unpack_from(f"{order}h", header, TYPE_AT)
            count, *lengths = struct.unpack_from(f"{order}8h", header, SIZE_AT)
            vectors = count > 4 and lengths[4] > 1
            return np.dtype(f"{order}{NIFTI_FLOATS[code]}") if code in NIFTI_FLOATS and not vectors else None
    return None


def nifti_header(file: IO[bytes]) -> tuple[bytes, bool]:
    """The first 348 bytes of a `.nii` or `.nii.gz`, and whether it is compressed; the file is then at its beginning.

    Raises EOFError if there are fewer bytes.
    """
    packed = file.read(2) == GZIP
    file.seek(0)
    try:
        start = file.read(CHUNK // 256)  # enough for a header, however it is compressed
        header = zlib.decompressobj(wbits=EITHER).decompress(start, NIFTI1) if packed else start[:NIFTI1]
    except zlib.error as error:
        raise EOFError("no whole header") from error
    file.seek(0)
    if len(header) < NIFTI1:
        raise EOFError("no whole header")
    return header, packed


def nifti_bytes(header: bytes) -> int:
    """The length of a NIfTI-1 file from its first 348 bytes; 0 for another format."""
    for order in "<>":
        if struct.unpack_from(f"{order}i", header)[0] == NIFTI1:
            count, *lengths = struct.unpack_from(f"{order}8h", header, SIZE_AT)
            kind, bits = struct.unpack_from(f"{order}2h", header, TYPE_AT)
            (start,) = struct.unpack_from(f"{order}f", header, VOXELS_AT)
            voxels = math.prod(max(length, 1) for length in lengths[: max(count, 0)])
            return max(int(start), NIFTI1) + voxels * NIFTI_BITS.get(kind, bits) // 8
    return 0


def nrrd_fault(path: Path) -> str:
    """What a NRRD file with its voxels in the same file lacks, as a clause; empty if it is complete."""
    with path.open("rb") as file:
        fields = _nrrd_fields(file)
        if DATA_FILE & set(fields):
            return ""
        kind = fields["type"].removeprefix("unsigned ").removeprefix("signed ").removeprefix("u").split("_")[0]
        name = kind.split()[0]
        if name not in NRRD_BYTES:
            return ""
        needed = NRRD_BYTES[name] * math.prod(int(length) for length in fields["sizes"].split())
        if fields["encoding"] == "raw":
            return _short(path.stat().st_size - file.tell(), needed)
        if fields["encoding"] in ("gzip", "gz"):
            return _gzip_fault(file, needed=needed)
    return ""


def _nrrd_fields(file: IO[bytes]) -> dict[str, str]:
    """The fields of a NRRD header, in small letters; the file is then at its first voxel."""
    fields: dict[str, str] = {}
    while (line := file.readline(1 << 16)).strip(b"\r\n"):
        name, found, value = line.decode("latin-1").partition(":")
        if found and not line.startswith(b"#"):
            fields[name.strip().lower()] = value.strip().lower()
    if (not line and not DATA_FILE & set(fields)) or not {"type", "sizes", "encoding"} <= set(fields):
        raise EOFError("no end of the header")
    return fields


def meta_image_fault(path: Path) -> str:
    """What a MetaImage file (`.mha`, or `.mhd` with one file of voxels) lacks, as a clause; empty if complete."""
    with path.open("rb") as file:
        fields: dict[str, str] = {}
        while "ElementDataFile" not in fields:
            line = file.readline(1 << 16)
            if not line:
                raise EOFError("no ElementDataFile")
            name, _, value = line.decode("latin-1").partition("=")
            fields[name.strip()] = value.strip()
        start = file.tell()
    source = fields["ElementDataFile"]
    if source.upper().startswith("LIST") or "%" in source or not {"ElementType", "DimSize"} <= set(fields):
        return ""
    local = source.upper() == "LOCAL"
    data = path if local else path.parent / source
    if not data.is_file():
        return f"names the file of voxels {source}, which does not exist beside it"
    kind = fields["ElementType"].removeprefix("MET_").removeprefix("U").removesuffix("_ARRAY")
    channels = int(fields.get("ElementNumberOfChannels", "1"))
    needed = META_BYTES.get(kind, 0) * channels * math.prod(int(length) for length in fields["DimSize"].split())
    there = data.stat().st_size - (start if local else max(int(fields.get("HeaderSize", "0")), 0))
    if fields.get("CompressedData", "False").lower() != "true":
        return _short(there, needed)
    with data.open("rb") as file:
        file.seek(data.stat().st_size - there)
        return _stream_fault(file, needed=needed)


def _short(there: int, needed: int) -> str:
    return f"has {there} of {needed} bytes" if there < needed else ""


def _gzip_fault(file: IO[bytes], *, needed: int) -> str:
    """What is missing of a gzip stream. It ends with its length modulo 2^32 (RFC 1952), which a cut one does not.

    A stream that ends with another number (several members, padding, cut) is read to its end; one that ends with the
    right length is not, since that would take as long as reading the image: damage within it is not looked for.
    """
    start = file.tell()
    file.seek(-4, 2)
    (length,) = struct.unpack("<I", file.read(4))
    file.seek(start)
    return "" if length == needed % (1 << 32) else _stream_fault(file, needed=needed)


def _stream_fault(file: IO[bytes], *, needed: int) -> str:
    """What is missing of a compressed stream that must give `needed` bytes."""
    try:
        got = sum(len(piece) for piece in unpacked(file, needed=needed))
    except EOFError:
        return CUT_STREAM
    except zlib.error as error:
        return f"has damaged compressed data ({error})"
    return _short(got, needed)


def unpacked(file: IO[bytes], *, needed: int) -> Iterator[bytes]:
    """The content of a stream of gzip or zlib, in pieces, read to its checksum.

    It is read no further than PADDING beyond the `needed` bytes, so that a small file that expands without end does no
    harm. Raises EOFError if the stream is cut and zlib.error if it is damaged.
    """
    got, rest, stream = 0, b"", zlib.decompressobj(wbits=EITHER)
    while got < needed + PADDING:
        given = rest or file.read(CHUNK)
        piece = stream.decompress(given, CHUNK)
        if not given and not piece and not stream.eof:
            raise EOFError(CUT_STREAM)
        got += len(piece)
        yield piece
        rest = stream.unconsumed_tail
        if stream.eof:
            rest = stream.unused_data or file.read(CHUNK)
            if not rest.startswith(GZIP):  # no further member; padding does no harm
                return
            stream = zlib.decompressobj(wbits=EITHER)
