"""NaN and infinite voxels of NIfTI files: ITK's reader silently sets them to 0, which in CT is water."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, suffix_of

SUFFIXES = (".nii", ".nii.gz")
FLOATS = {16: "f4", 64: "f8"}  # NIfTI's codes of its floating-point types; integers have no NaN
HEADER_BYTES = 348  # of NIfTI-1; ITK does not read NIfTI-2
TYPE_AT, VOXELS_AT = 70, 108  # offsets of datatype and vox_offset in bytes (nifti1.h)
GZIP = b"\x1f\x8b"


def with_nonfinite(image: sitk.Image, *, path: Path) -> sitk.Image:
    """`image` as read from `path`, with the NaN and infinite voxels of the file restored.

    Files other than floating-point NIfTI, and images without such voxels, are returned unchanged. Raises ImageError
    if the file is truncated or cannot be decompressed.
    """
    if suffix_of(path) not in SUFFIXES or image.GetPixelID() not in (sitk.sitkFloat32, sitk.sitkFloat64):
        return image
    try:
        stored = _real_voxels(path)
    except (OSError, EOFError, struct.error, ValueError) as error:
        raise ImageError(f"{path}: not readable as NIfTI ({error})") from error
    array: NDArray[Any] = array_of(image)
    if stored is None or stored.size < array.size:
        return image
    voxels = stored[: array.size].reshape(array.shape)
    lost = ~np.isfinite(voxels)
    if not lost.any():
        return image
    array[lost] = voxels[lost]
    return image_from(array, like=image)


def _real_voxels(path: Path) -> NDArray[Any] | None:
    """The voxels as stored, x fastest; None if they are integers or the header is not NIfTI-1."""
    content = path.read_bytes()
    content = gzip.decompress(content) if content.startswith(GZIP) else content
    for order in "<>":
        if struct.unpack_from(f"{order}i", content, 0)[0] != HEADER_BYTES:
            continue
        (code,) = struct.unpack_from(f"{order}h", content, TYPE_AT)
        (start,) = struct.unpack_from(f"{order}f", content, VOXELS_AT)
        if code not in FLOATS:
            return None
        kind = np.dtype(f"{order}{FLOATS[code]}")
        return np.frombuffer(content, dtype=kind, count=(len(content) - int(start)) // kind.itemsize, offset=int(start))
    return None
