"""source_image: what the reader adds to `read_image`; the faults of files are in tests/bad_inputs."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.cohort.source_image import read_source_image
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from


def test_nan_of_a_nifti_file_is_kept(tmp_path):
    array = np.ones((2, 3, 4), dtype=np.float32)
    array[1, 2, 3] = np.nan
    sitk.WriteImage(image_from(array), str(tmp_path / "a.nii.gz"))

    assert np.array_equal(array_of(read_source_image(tmp_path / "a.nii.gz")), array, equal_nan=True)


def test_a_path_below_a_file_does_not_exist(tmp_path):
    Image.new("L", (3, 4)).save(tmp_path / "a.png")

    with pytest.raises(ImageError, match=r"there is no such image$"):
        read_source_image(tmp_path / "a.png" / "b.png")


def test_damaged_exif_data_are_ignored_as_viewers_do(tmp_path):
    Image.new("L", (3, 4), 7).save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")

    assert array_of(read_source_image(tmp_path / "a.jpg")).shape == (4, 3)
