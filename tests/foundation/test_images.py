import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, pixel_hash, read_image, suffix_of, write_image


def test_geometry_and_voxels_survive(tmp_path):
    image = image_from(np.arange(24, dtype=np.int16).reshape(2, 3, 4), spacing_mm=(0.5, 0.7, 2.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    write_image(image, tmp_path / "a.nrrd")

    back = read_image(tmp_path / "a.nrrd")

    assert back.GetSpacing() == (0.5, 0.7, 2.0)
    assert back.GetOrigin() == (1.0, 2.0, 3.0)
    assert (array_of(back) == array_of(image)).all()


def test_header_entries_of_the_source_are_not_written(tmp_path):
    image = image_from(np.zeros((3, 4), dtype=np.uint8))
    image.SetMetaData("0010|0010", "Doe^Jane")
    write_image(image, tmp_path / "a.nrrd")

    assert b"Doe" not in (tmp_path / "a.nrrd").read_bytes()
    assert "0010|0010" not in read_image(tmp_path / "a.nrrd").GetMetaDataKeys()


def test_same_image_same_bytes(tmp_path):
    image = image_from(np.arange(12, dtype=np.uint8).reshape(3, 4))
    write_image(image, tmp_path / "a.nrrd")
    write_image(image, tmp_path / "b.nrrd")

    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()


def test_pixel_hash_depends_on_pixels_not_headers():
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
    assert (suffix_of(tmp_path / "A.NII.GZ"), suffix_of(tmp_path / "a.b.png")) == (".nii.gz", ".png")


def test_three_dimensional_mask_type_is_kept(tmp_path):
    write_image(image_from(np.ones((2, 3, 4), dtype=np.uint8)), tmp_path / "m.nrrd")

    assert read_image(tmp_path / "m.nrrd").GetPixelID() == sitk.sitkUInt8


def write_slices(folder, places_mm, *, series="1.2.3.4"):
    """A CT series of slices of 6 x 7 pixels (0.5 x 0.7 mm), stored in an order other than their positions."""
    folder.mkdir(exist_ok=True)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for number, place in enumerate(places_mm):
        image = image_from(np.full((6, 7), round(place * 10), dtype=np.int16), spacing_mm=(0.7, 0.5))
        tags = {
            "0008|0060": "CT",
            "0010|0010": "Doe^Jane",
            "0020|000d": "1.2.3",
            "0020|000e": series,
            "0008|0018": f"{series}.{number}",
            "0020|0032": f"0\\0\\{place}",
            "0020|0037": "1\\0\\0\\0\\1\\0",
            "0028|0030": "0.5\\0.7",
        }
        for tag, value in tags.items():
            image.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{series}-{number}.dcm"))
        writer.Execute(image)


def test_dicom_series_is_one_volume_in_the_order_of_its_slices(tmp_path):
    write_slices(tmp_path / "ct", [4.0, 0.0, 2.0, 6.0])
    image = read_image(tmp_path / "ct")
    write_image(image, tmp_path / "ct.nrrd")

    assert (image.GetSize(), image.GetSpacing()) == ((7, 6, 4), (0.7, 0.5, 2.0))
    assert array_of(image)[:, 0, 0].tolist() == [0, 20, 40, 60]
    assert b"Doe" not in (tmp_path / "ct.nrrd").read_bytes()


@pytest.mark.parametrize(
    ("places_mm", "message"),
    [([0.0, 2.0, 6.0, 8.0], "2 to 4 mm apart"), ([0.0, 2.0, 2.0, 4.0], "several images at one slice position")],
)
def test_dicom_series_with_a_missing_or_repeated_slice_is_refused(tmp_path, places_mm, message):
    write_slices(tmp_path / "ct", places_mm)

    with pytest.raises(ImageError, match=message):
        read_image(tmp_path / "ct")


def test_two_dicom_series_in_one_folder_are_refused(tmp_path):
    write_slices(tmp_path / "ct", [0.0, 2.0])
    write_slices(tmp_path / "ct", [0.0, 2.0], series="1.2.3.5")

    with pytest.raises(ImageError, match="holds 2 DICOM series"):
        read_image(tmp_path / "ct")


def test_ultrasound_clip_is_not_a_volume(tmp_path):
    clip = image_from(np.zeros((3, 6, 7), dtype=np.uint8))
    clip.SetMetaData("0008|0060", "US")
    sitk.WriteImage(clip, str(tmp_path / "clip.dcm"))

    with pytest.raises(ImageError, match="clip of 3 frames"):
        read_image(tmp_path / "clip.dcm")


def test_raster_files_that_itk_cannot_read_are_read(tmp_path):
    array = np.zeros((6, 8), dtype=np.uint8)
    array[2:4, 2:4] = 255
    Image.fromarray(array > 0).save(tmp_path / "a.bmp")
    Image.fromarray(array).convert("LA").save(tmp_path / "a.png")

    assert (array_of(read_image(tmp_path / "a.bmp")) == array).all()
    assert (array_of(read_image(tmp_path / "a.png"))[..., 0] == array).all()


def test_an_image_with_white_as_its_lowest_value_is_refused(tmp_path):
    image = image_from(np.arange(12, dtype=np.uint16).reshape(3, 4))
    file = tmp_path / "a.dcm"
    sitk.WriteImage(image, str(file))
    # ITK writes MONOCHROME2 whatever the tag, so the tag is changed in the file.
    file.write_bytes(file.read_bytes().replace(b"MONOCHROME2", b"MONOCHROME1"))

    with pytest.raises(ImageError, match="MONOCHROME1"):
        read_image(file)
    with pytest.raises(ImageError, match="MONOCHROME1"):
        read_image(tmp_path)
