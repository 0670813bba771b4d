import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.errors import ImageError
from pipeline.images import array_of, image_from, pixel_hash, read_image, stem_of, suffix_of, write_image


def test_geometry_and_voxels_survive(tmp_path):
    image = image_from(np.arange(24, dtype=np.int16).reshape(2, 3, 4), spacing_mm=(0.5, 0.7, 2.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    write_image(image, tmp_path / "a.nrrd")

    back = read_image(tmp_path / "a.nrrd")

    assert back.GetSpacing() == (0.5, 0.7, 2.0)
    assert back.GetOrigin() == (1.0, 2.0, 3.0)
    assert (array_of(back) == array_of(image)).all()


def test_header_entries_of_the_source_stay_behind(tmp_path):
    image = image_from(np.zeros((3, 4), dtype=np.uint8))
    image.SetMetaData("0010|0010", "Doe^Jane")
    write_image(image, tmp_path / "a.nrrd")

    assert b"Doe" not in (tmp_path / "a.nrrd").read_bytes()
    assert "0010|0010" not in read_image(tmp_path / "a.nrrd").GetMetaDataKeys()


def test_same_picture_same_bytes(tmp_path):
    image = image_from(np.arange(12, dtype=np.uint8).reshape(3, 4))
    write_image(image, tmp_path / "a.nrrd")
    write_image(image, tmp_path / "b.nrrd")

    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()


def test_pixel_hash_sees_pixels_not_headers():
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    one, other = image_from(array), image_from(array, spacing_mm=(2.0, 2.0))

    assert pixel_hash(one) == pixel_hash(other)
    assert pixel_hash(one) != pixel_hash(image_from(array.reshape(4, 3)))
    assert pixel_hash(one) != pixel_hash(image_from(array.astype(np.int16)))


def test_missing_and_broken_files_are_one_sentence(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"not a png")

    with pytest.raises(ImageError, match="there is no such image"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageError, match=r"broken.png: not readable as an image \(.+\)$"):
        read_image(tmp_path / "broken.png")


def test_folder_without_one_series_is_refused(tmp_path):
    with pytest.raises(ImageError, match="holds 0 DICOM series"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".tiff"])
def test_raster_formats_are_read(tmp_path, suffix):
    Image.fromarray(np.full((6, 8), 200, dtype=np.uint8)).save(tmp_path / f"a{suffix}")

    assert array_of(read_image(tmp_path / f"a{suffix}")).shape[:2] == (6, 8)


def test_names(tmp_path):
    assert (suffix_of(tmp_path / "A.NII.GZ"), stem_of(tmp_path / "a.b.nii.gz")) == (".nii.gz", "a.b")


def test_three_dimensional_mask_type_is_kept(tmp_path):
    write_image(image_from(np.ones((2, 3, 4), dtype=np.uint8)), tmp_path / "m.nrrd")

    assert read_image(tmp_path / "m.nrrd").GetPixelID() == sitk.sitkUInt8
