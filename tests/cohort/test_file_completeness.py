"""file_completeness: no file that was cut anywhere counts as complete."""

import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from pipeline.cohort.file_completeness import check_complete, png_chunks, tiff_pages
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import image_from

FLAT = np.random.default_rng(0).integers(0, 255, (9, 11), dtype=np.uint8)
RASTERS = {
    "a.jpg": {},
    "b.jpg": {"progressive": True, "comment": b"\xff\xd9"},
    "a.png": {},
    "a.bmp": {},
    "a.tif": {},
    "b.tif": {"compression": "tiff_lzw"},
}
VOLUMES = {"a.nii": False, "a.nii.gz": True, "a.nrrd": False, "b.nrrd": True, "a.mha": False, "b.mha": True}


def written(path):
    if path.name in RASTERS:
        Image.fromarray(FLAT).save(path, **RASTERS[path.name])
    else:
        volume = image_from(np.stack([FLAT] * 2).astype(np.int16), spacing_mm=(1.0, 2.0, 3.0))
        sitk.WriteImage(volume, str(path), useCompression=VOLUMES[path.name])
    return path.read_bytes()


@pytest.mark.parametrize("name", [*RASTERS, *VOLUMES])
def test_a_file_cut_anywhere_is_one_sentence(tmp_path, name):
    path = tmp_path / name
    content = written(path)
    check_complete(path)
    # Pillow writes the tags of a TIFF last: without its final bytes, the number of a further page is missing.
    for length in range(40, len(content) - (20 if name == "b.tif" else 0), 7):
        path.write_bytes(content[:length])
        with pytest.raises(ImageError, match=rf"{name}: is cut off or damaged: it .+; copy it again from its source$"):
            check_complete(path)


def test_the_rows_of_other_bitmaps(tmp_path):
    for mode in ("1", "RGB", "P"):
        path = tmp_path / f"{mode}.bmp"
        Image.fromarray(FLAT).convert(mode).save(path)
        check_complete(path)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(ImageError, match="bytes"):
            check_complete(path)


def test_every_page_of_a_tiff_is_checked(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(FLAT).save(path, save_all=True, append_images=[Image.fromarray(FLAT + 1)])

    assert [tags[257] for tags in tiff_pages(path)] == [9, 9]
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ImageError, match="cut off"):
        check_complete(path)


def test_data_after_the_end_do_no_harm(tmp_path):
    for name in RASTERS:
        (tmp_path / name).write_bytes(written(tmp_path / name) + b"more")
        check_complete(tmp_path / name)

    assert png_chunks(tmp_path / "a.png") == [b"IHDR", b"IDAT", b"IEND"]


def test_a_file_of_another_format_is_not_checked(tmp_path):
    (tmp_path / "a.png").write_text("hello")

    check_complete(tmp_path / "a.png")
