"""NaN and infinite voxels of NIfTI files: ITK's reader silently sets them to 0, which in CT is water."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.cohort.volume_headers import VOXELS_AT, cut_off, nifti_bytes, nifti_float, nifti_header, unpacked
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, suffix_of

SUFFIXES = (".nii", ".nii.gz")


def with_nonfinite(image: sitk.Image, *, path: Path) -> sitk.Image:
    """`image` as read from `path`, with the NaN and infinite voxels of the file restored.

    Files other than floating-point NIfTI, and images without such voxels, are returned unchanged. Raises ImageError
    if the file is truncated or cannot be decompressed.
    """
    if suffix_of(path) not in SUFFIXES or image.GetPixelID() not in (sitk.sitkFloat32, sitk.sitkFloat64):
        return image
    try:
        stored = _real_voxels(path)
    except EOFError as error:
        raise ImageError(cut_off(path, str(error))) from error
    except zlib.error as error:
        raise ImageError(cut_off(path, f"has damaged compressed data ({error})")) from error
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
    """The voxels as stored, x fastest; None if they are integers or the header is not NIfTI-1.

    Raises EOFError or zlib.error if some are missing or damaged.
    """
    with path.open("rb") as file:
        header, packed = nifti_header(file)
        needed = nifti_bytes(header)
        kind = nifti_float(header)
        if kind is None:
            return None
        content = b"".join(unpacked(file, needed=needed)) if packed else file.read(needed)
    if len(content) < needed:
        raise EOFError(f"has {len(content)} of {needed} bytes")
    (start,) = struct.unpack_from("<f" if kind.byteorder in "<=" else ">f", header, VOXELS_AT)
    start = max(int(start), len(header))
    return np.frombuffer(content, dtype=kind, count=(needed - start) // kind.itemsize, offset=start)
