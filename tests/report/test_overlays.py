"""overlays: colours whose lightness rises, contours of both masks on the largest slice, the same bytes every time."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pipeline.report.overlays import (
    GIVEN_RGB,
    PREDICTED_RGB,
    habitat_colours,
    habitat_picture,
    largest_slice,
    mask_picture,
)

GREY = np.full((40, 50), 100, dtype=np.uint8)
DISC = (np.indices((40, 50))[0] - 20) ** 2 + (np.indices((40, 50))[1] - 25) ** 2 < 64
NOTHING = np.zeros_like(DISC)


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def near(picture, colour):
    """How many pixels have a colour, up to the rounding of the palette."""
    return int((np.abs(picture - np.array(colour)).max(axis=2) < 12).sum())


@pytest.mark.parametrize("k", [2, 3, 6])
def test_lightness_rises_from_the_darkest_habitat_to_the_brightest(k):
    lightness = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in habitat_colours(k)]

    assert len(lightness) == k
    assert min(np.diff(lightness)) > 15


def test_the_dashed_line_is_the_predicted_mask():
    both = pixels(mask_picture(GREY, given=DISC, predicted=np.roll(DISC, 5, axis=1), panel_px=200))
    given = pixels(mask_picture(GREY, given=DISC, predicted=NOTHING, panel_px=200))
    predicted = pixels(mask_picture(GREY, given=NOTHING, predicted=DISC, panel_px=200))

    assert near(both, GIVEN_RGB)
    assert near(both, PREDICTED_RGB)
    assert near(given, PREDICTED_RGB) == 0 == near(predicted, GIVEN_RGB)
    # Half of the line is left out.
    assert near(predicted, PREDICTED_RGB) == pytest.approx(near(given, GIVEN_RGB) / 2, rel=0.15)


def test_two_empty_masks_show_the_whole_image():
    assert (pixels(mask_picture(GREY, given=NOTHING, predicted=NOTHING, panel_px=100))[20:80] == 100).all()


def test_each_habitat_has_its_area_and_colour():
    labels = DISC.astype(np.uint8) * np.where(np.arange(50) < 25, 1, 2).astype(np.uint8)
    png = habitat_picture(GREY, labels=labels, k=2, panel_px=200)
    picture = pixels(png)
    dark, bright = (np.array(colour) * 0.85 + 100 * 0.15 for colour in habitat_colours(2))

    assert picture.shape == (200, 406, 3)
    scale = near(picture, dark) + near(picture, bright)
    assert near(picture, dark) / scale == pytest.approx((labels == 1).sum() / DISC.sum(), abs=0.03)
    assert png == habitat_picture(GREY, labels=labels, k=2, panel_px=200)


def test_of_a_volume_the_largest_slice_is_shown():
    volume = np.zeros((4, 40, 50), dtype=bool)
    volume[1, 10:12, 10:12], volume[2] = True, DISC
    image = np.stack([GREY // 4, GREY // 4, GREY, GREY // 4])

    assert largest_slice([volume, np.zeros_like(volume)]) == 2
    assert largest_slice([DISC]) is None
    of_volume = mask_picture(image, given=volume, predicted=volume, panel_px=100)
    assert of_volume == mask_picture(GREY, given=DISC, predicted=DISC, panel_px=100)


def test_other_grey_values_are_stretched():
    hounsfield = np.linspace(-1000, 1000, 2000).reshape(40, 50)
    picture = pixels(mask_picture(hounsfield, given=NOTHING, predicted=NOTHING, panel_px=100))[10:90]

    assert picture.min() < 10
    assert picture.max() > 245
