"""volume_headers: what headers promise, by hand."""

import gzip
import io
import struct
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.cohort.volume_headers import (
    CHUNK,
    PADDING,
    meta_image_fault,
    nifti_bytes,
    nifti_fault,
    nifti_float,
    nifti_header,
    nrrd_fault,
    unpacked,
)
from pipeline.foundation.images import image_from

VOLUME = np.arange(24, dtype=np.int16).reshape(2, 3, 4)


def header(lengths, *, order="<", kind=4, bits=16, start=352.0):
    content = bytearray(348)
    struct.pack_into(f"{order}i", content, 0, 348)
    struct.pack_into(f"{order}8h", content, 40, len(lengths), *lengths, *(1,) * (7 - len(lengths)))
    struct.pack_into(f"{order}2h", content, 70, kind, bits)
    struct.pack_into(f"{order}f", content, 108, start)
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (header((4, 3, 2)), 352 + 48),
        (header((4, 3, 2), order=">", kind=64), 352 + 192),
        (header((4, 3, 1, 5), kind=2), 352 + 60),
        (header((4, 3), kind=128, start=400.0), 400 + 36),  # RGB
        (header((4, 3), kind=1536, bits=128, start=0.0), 348 + 192),  # a rare type: the header's own bits
        (bytes(348), 0),
    ],
)
def test_the_length_that_a_nifti_header_promises(content, expected):
    assert nifti_bytes(content) == expected


def test_a_nifti_header_that_is_cut(tmp_path):
    for content in (header((4, 3, 2))[:-1], gzip.compress(header((4, 3, 2)))[:30]):
        (tmp_path / "a.nii").write_bytes(content)
        with pytest.raises(EOFError), (tmp_path / "a.nii").open("rb") as file:
            nifti_header(file)


def test_single_real_numbers_are_floats_and_vectors_are_not():
    assert nifti_float(header((4, 3), kind=16)).name == "float32"
    assert nifti_float(header((4, 3), kind=64, order=">")).name == "float64"
    assert nifti_float(header((4, 3), kind=4)) is None
    assert nifti_float(header((4, 3, 2, 1, 3), kind=16)) is None


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_stream_is_unpacked_to_its_checksum_whatever_its_length(pack, size):
    for content in (np.random.default_rng(0).bytes(size), bytes(size)):
        packed = pack(content)
        assert b"".join(unpacked(io.BytesIO(packed), needed=size)) == content
        with pytest.raises(EOFError):
            list(unpacked(io.BytesIO(packed[:-1]), needed=size))


def test_a_gzip_file_may_have_several_members():
    packed = gzip.compress(b"one") + gzip.compress(b"two") + bytes(10)

    assert b"".join(unpacked(io.BytesIO(packed), needed=6)) == b"onetwo"


def test_a_stream_that_expands_without_end_is_not_read_to_its_end(tmp_path):
    content = header((4, 3, 2)) + bytes(4 + 48)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content + bytes(3 * PADDING), 1)[:-8])  # no checksum
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content + bytes(100))[:-8])

    assert nifti_fault(tmp_path / "a.nii.gz") == ""
    assert nifti_fault(tmp_path / "b.nii.gz") == "ends within its compressed data"


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.int32, np.int64, np.float32, np.float64])
def test_every_type_of_voxels(tmp_path, kind):
    for name in ("a.nrrd", "a.mha", "a.mhd", "a.nii"):
        check = {"nrrd": nrrd_fault, "mha": meta_image_fault, "mhd": meta_image_fault}.get(
            name[-4:].strip("."), nifti_fault
        )
        sitk.WriteImage(image_from(VOLUME.astype(kind)), str(tmp_path / name))
        data = tmp_path / ("a.raw" if name == "a.mhd" else name)

        assert check(tmp_path / name) == ""
        data.write_bytes(data.read_bytes()[:-1])
        assert check(tmp_path / name).startswith("has ")


def test_colour_and_files_of_voxels_elsewhere(tmp_path):
    colour = sitk.GetImageFromArray(np.zeros((3, 4, 3), dtype=np.uint8), isVector=True)
    for name, check in (("a.nrrd", nrrd_fault), ("a.mha", meta_image_fault)):
        sitk.WriteImage(colour, str(tmp_path / name))
        assert check(tmp_path / name) == ""
    sitk.WriteImage(image_from(VOLUME), str(tmp_path / "a.nhdr"))

    assert nrrd_fault(tmp_path / "a.nhdr") == ""
