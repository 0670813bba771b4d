"""Images and masks into the square of a network and back."""

import numpy as np
import pytest
import SimpleITK as sitk
from drawn_nodules import segment_params

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import image_from
from pipeline.segment.frames import at_own_size, frame_of, mask_slices

SIZE = 64


def frame(array, *, spacing=None, **changes):
    params = segment_params(input={"image_size_px": SIZE} | changes).input
    return frame_of(image_from(array, spacing_mm=spacing), params=params)


def overlap(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("resize", ["pad", "stretch"])
@pytest.mark.parametrize("shape", [(50, 90), (90, 50), (2, 100, 120)])
def test_a_mask_comes_back_where_it_was(resize, shape):
    y, x = (axis / size for axis, size in zip(np.indices(shape[-2:]), shape[-2:], strict=True))
    mask = np.broadcast_to((x - 0.3) ** 2 + (y - 0.6) ** 2 < 0.04, shape)
    made = frame(np.zeros(shape, dtype=np.uint8), resize=resize)
    planes = mask_slices(mask, made, size_px=SIZE)
    back = at_own_size((planes / 255).astype(np.float32), made)

    assert planes.shape == made.slices.shape == ((1, *shape)[-3], SIZE, SIZE)
    assert set(np.unique(planes)) == {0, 255}
    assert back.shape == shape
    assert overlap(back >= 0.5, mask) > 0.97


def test_pad_keeps_the_proportions_in_mm_and_stretch_fills():
    white = np.full((32, 64), 255, dtype=np.uint8)

    padded, stretched = frame(white).slices[0], frame(white, resize="stretch").slices[0]
    tall = frame(white, spacing=(0.5, 1.0)).slices[0]  # 32 mm high, 32 mm wide

    assert (padded.any(axis=1).sum(), padded.any(axis=0).sum()) == (32, 64)
    assert padded[16:48].min() == 255
    assert stretched.min() == 255
    assert tall.min() == 255


def test_eight_bit_grey_is_unchanged_and_a_window_is_cut():
    grey = np.arange(SIZE * SIZE, dtype=np.uint8).reshape(SIZE, SIZE)
    hounsfield = np.array([[-500, 0], [100, 900]], dtype=np.int16).repeat(32, axis=0).repeat(32, axis=1)
    windowed = frame(hounsfield, window={"low": 0, "high": 200}).slices[0]

    assert (frame(grey).slices[0] == grey).all()
    assert windowed[[0, 0, 63, 63], [0, 63, 0, 63]].tolist() == [0, 0, 128, 255]


def test_half_a_pixel_is_inside():
    made = frame(np.zeros((128, 128), dtype=np.uint8))
    mask = np.zeros((128, 128))
    mask[:, :11] = 1  # up to half of the pixels of column 5

    assert mask_slices(mask, made, size_px=SIZE)[0, 9].nonzero()[0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("size", [31, 64, 200])
def test_probabilities_stay_between_0_and_1(size):
    made = frame(np.zeros((size, size), dtype=np.uint8))
    drawn = np.random.default_rng(1).integers(0, 2, size=(1, SIZE, SIZE)).astype(np.float32)
    back = at_own_size(drawn, made)

    assert back.min() >= 0
    assert back.max() <= 1


def test_what_no_network_takes_is_one_sentence():
    nan = np.zeros((40, 40), dtype=np.float32)
    nan[3, 3] = np.nan
    with pytest.raises(ImageError, match="not finite"):
        frame(nan)
    with pytest.raises(ImageError, match="colour channels"):
        frame_of(sitk.GetImageFromArray(np.zeros((40, 40, 3), np.uint8), isVector=True), params=segment_params().input)
    with pytest.raises(ImageError, match=r"^the mask of \(30, 40\) and the image of \(40, 40\) voxels differ in size$"):
        mask_slices(np.ones((30, 40)), frame(np.zeros((40, 40), dtype=np.uint8)), size_px=SIZE)
