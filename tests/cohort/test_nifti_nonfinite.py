"""nifti_nonfinite: ITK reads NaN as 0, the audit must get NaN."""

import struct

import numpy as np
import pytest
import SimpleITK as sitk

from pipeline.cohort.nifti_nonfinite import with_nonfinite
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, read_image


def volume(kind=np.float32):
    array = np.arange(24, dtype=kind).reshape(2, 3, 4)
    if np.issubdtype(kind, np.floating):
        array[1, 2, 0], array[0, 0, 3] = np.nan, -np.inf
    return array


def nifti(array, path, *, order):
    """A NIfTI file by hand, in either byte order."""
    header = bytearray(352)
    struct.pack_into(f"{order}i", header, 0, 348)
    struct.pack_into(f"{order}8h", header, 40, 3, *array.shape[::-1], 1, 1, 1, 1)
    struct.pack_into(f"{order}2h", header, 70, 16, 32)
    struct.pack_into(f"{order}8f", header, 76, *(1.0,) * 8)
    struct.pack_into(f"{order}f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    path.write_bytes(bytes(header) + array.astype(f"{order}f4").tobytes())


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_nan_and_infinity_are_restored_in_place(tmp_path, name, kind):
    image = image_from(volume(kind), spacing_mm=(0.8, 0.8, 2.5))
    image.SetOrigin((-150.0, 20.0, 3.0))
    sitk.WriteImage(image, str(tmp_path / name))

    read = read_image(tmp_path / name)
    back = with_nonfinite(read, path=tmp_path / name)

    assert np.isfinite(array_of(read)).all()  # the fault of ITK's reader that this module corrects
    assert np.array_equal(array_of(back), volume(kind), equal_nan=True)
    assert (back.GetSpacing(), back.GetOrigin()) == (read.GetSpacing(), read.GetOrigin())


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders(tmp_path, order):
    nifti(volume(), tmp_path / "a.nii", order=order)

    back = with_nonfinite(read_image(tmp_path / "a.nii"), path=tmp_path / "a.nii")

    assert np.array_equal(array_of(back), volume(), equal_nan=True)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.nrrd"])
def test_images_without_such_voxels_are_returned_unchanged(tmp_path, name):
    for kind in (np.int16, np.float32):
        sitk.WriteImage(image_from(np.ones((2, 3, 4), dtype=kind)), str(tmp_path / name))
        image = read_image(tmp_path / name)

        assert with_nonfinite(image, path=tmp_path / name) is image


def test_a_damaged_file_is_one_sentence(tmp_path):
    image = image_from(volume())
    sitk.WriteImage(image, str(tmp_path / "a.nii.gz"))
    (tmp_path / "a.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:-20])

    with pytest.raises(
        ImageError, match=r"a\.nii\.gz: is cut off or damaged: it ends within its compressed data; copy"
    ):
        with_nonfinite(image, path=tmp_path / "a.nii.gz")
