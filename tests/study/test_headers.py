import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.foundation.errors import ImageError
from pipeline.study.headers import read_header, spread


def written(path, *, size, spacing):
    image = sitk.Image(*size, sitk.sitkInt16) if len(size) == 3 else sitk.Image(*size, sitk.sitkUInt8)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return read_header(path)


FILES = [
    # file, axes, spacing as written, is it a volume, spacing as found
    ("a.png", (30, 20), (0.3, 0.3), False, None),
    ("a.nii.gz", (30, 20, 5), (0.5, 0.5, 2.0), True, (0.5, 0.5, 2.0)),
    ("one.nrrd", (30, 20, 1), (0.5, 0.5, 2.0), False, (0.5, 0.5)),
    ("unset.nrrd", (30, 20), (1.0, 1.0), False, None),
    ("iso.nrrd", (30, 20, 5), (1.0, 1.0, 1.0), True, (1.0, 1.0, 1.0)),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case[0])
def test_axes_and_spacing(tmp_path, case):
    name, size, spacing, volume, expected = case
    header = written(tmp_path / name, size=size, spacing=spacing)

    assert (header.size, header.is_volume, header.voxels) == (size, volume, np.prod(size))
    assert header.spacing_mm == (None if expected is None else pytest.approx(expected))
    assert header.bytes_on_disk == (tmp_path / name).stat().st_size


def test_what_itk_cannot_read_is_read_as_the_import_does(tmp_path):
    Image.fromarray(np.zeros((20, 30), dtype=bool)).save(tmp_path / "one_bit.bmp")

    assert read_header(tmp_path / "one_bit.bmp").size[:2] == (30, 20)


def test_a_folder_is_a_series_of_as_many_slices_as_files(tmp_path):
    for number in range(4):
        image = sitk.Image(30, 20, 1, sitk.sitkInt16)
        image.SetSpacing((0.7, 0.7, 5.0))
        sitk.WriteImage(image, str(tmp_path / f"{number}.dcm"))

    header = read_header(tmp_path)

    assert header.size == (30, 20, 4)
    assert header.spacing_mm == pytest.approx((0.7, 0.7))


@pytest.mark.parametrize("name", ["text.png", "text.nii", "empty"])
def test_what_is_no_image_is_one_sentence(tmp_path, name):
    path = tmp_path / name
    path.mkdir() if name == "empty" else path.write_text("no image")

    with pytest.raises(ImageError, match=f"{name}: (not readable as an image; export|holds no file, needs)"):
        read_header(path)


def test_a_spread_holds_both_ends_and_no_more_than_asked():
    assert spread(range(3), count=20) == [0, 1, 2]
    assert spread(range(101), count=5) == [0, 25, 50, 75, 100]
    assert len(set(spread(range(10_000)))) == 20
