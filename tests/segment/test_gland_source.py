"""The second source: where images of the gland and their masks are found."""

import pytest
from drawn_nodules import write_glands

from pipeline.foundation.errors import CohortError
from pipeline.segment.gland_source import blocks_of, gland_pairs


@pytest.mark.parametrize("names", [("image", "mask"), ("images", "masks"), ("thyroid-image", "thyroid-mask")])
@pytest.mark.parametrize("inside", ["", "tg3k"])
def test_every_layout_in_numeric_order(names, inside, tmp_path):
    write_glands(tmp_path / inside, n=12, names=names)
    pairs = gland_pairs(tmp_path)

    assert [int(image.stem) for image, _ in pairs] == list(range(12))  # 2 before 10
    assert all((image.parent.name, mask.parent.name) == names and image.stem == mask.stem for image, mask in pairs)


def test_names_that_are_no_numbers_come_last(tmp_path):
    write_glands(tmp_path, n=2)
    for kind in ("image", "mask"):
        (tmp_path / kind / "0.jpg").rename(tmp_path / kind / "²frame.jpg")

    assert [image.stem for image, _ in gland_pairs(tmp_path)] == ["1", "²frame"]


def test_every_image_without_a_mask_is_named(tmp_path):
    write_glands(tmp_path, n=4)
    for number in (1, 3):
        (tmp_path / "mask" / f"{number}.jpg").unlink()

    with pytest.raises(CohortError, match=r"without a mask:\n  - image/1.jpg has no mask\n  - image/3.jpg has no mask"):
        gland_pairs(tmp_path)


@pytest.mark.parametrize("folder", ["", "nowhere"])
def test_no_images_of_glands_is_one_sentence(folder, tmp_path):
    with pytest.raises(CohortError, match=r"no images of the gland; key gland.root .* or set gland.use to false$"):
        gland_pairs(tmp_path / folder)


def test_neighbours_stay_together():
    assert blocks_of(5, block_frames=2) == ["gland-00000", "gland-00000", "gland-00001", "gland-00001", "gland-00002"]
