"""pictures: one panel or two, the contour around the lesion, the same bytes every time."""

from io import BytesIO

import numpy as np
from PIL import Image

from pipeline.explain.pictures import CONTOUR_RGB, GAP_PX, picture


def drawn(heat=None):
    grey = np.full((32, 32), 90, dtype=np.uint8)
    lesion = np.zeros((32, 32), dtype=np.uint8)
    lesion[10:20, 10:20] = 255
    return picture(grey, lesion=lesion, heat=heat, panel_px=96)


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def test_one_panel_without_a_map_and_two_with_one():
    heat = np.zeros((32, 32), dtype=np.float32)

    assert pixels(drawn()).shape == (96, 96, 3)
    assert pixels(drawn(heat)).shape == (96, 2 * 96 + GAP_PX, 3)


def test_contour_runs_around_the_lesion_and_does_not_cover_it():
    panel = pixels(drawn())

    yellow = np.abs(panel - np.array(CONTOUR_RGB)).sum(axis=2) < 30
    assert yellow[28, 45]  # just above the lesion, whose first row is 30
    assert not yellow[33:57, 33:57].any()
    assert not yellow[:20].any()


def test_a_map_of_zeros_does_not_change_the_lesion():
    two = pixels(drawn(np.zeros((32, 32), dtype=np.float32)))
    assert np.array_equal(two[:, :96], two[:, 96 + GAP_PX :])

    hot = np.zeros((32, 32), dtype=np.float32)
    hot[24:, 24:] = 1
    two = pixels(drawn(hot))
    assert two[92, 96 + GAP_PX + 92, 0] > two[92, 92, 0] + 40  # red where the map is high


def test_same_bytes():
    heat = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    assert drawn(heat) == drawn(heat)
