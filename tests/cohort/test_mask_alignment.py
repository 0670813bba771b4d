"""grid_offset: shifts set by hand."""

import numpy as np
import pytest

from pipeline.cohort.mask_alignment import grid_offset
from pipeline.foundation.images import image_from


def grid(*, size=(4, 5, 6), spacing=(0.5, 0.5, 2.0), origin=(10.0, -20.0, 3.0)):
    image = image_from(np.zeros(size[::-1], dtype=np.uint8), spacing_mm=spacing)
    image.SetOrigin(origin)
    return image


def test_same_grid_is_exactly_zero():
    assert grid_offset(grid(), grid()).mm == 0
    assert grid_offset(grid(), grid()).voxel == pytest.approx(0, abs=1e-12)


def test_a_shifted_origin_in_mm_and_in_voxels():
    offset = grid_offset(grid(), grid(origin=(10.0, -20.0, 4.0)))
    assert offset.mm == pytest.approx(1.0)
    assert offset.voxel == pytest.approx(0.5)


def test_another_spacing_grows_to_the_far_corner():
    offset = grid_offset(grid(), grid(spacing=(0.5, 0.5, 2.1)))
    assert offset.mm == pytest.approx(0.5)  # five steps of 0.1 mm
    assert offset.voxel == pytest.approx(0.25)


def test_a_flipped_axis_is_seen_at_the_corner():
    mask = grid(size=(4, 5, 6))
    mask.SetDirection((-1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert grid_offset(grid(), mask).voxel == pytest.approx(6)  # index 3 lies at -3


def test_two_axes():
    image = image_from(np.zeros((3, 4), dtype=np.uint8), spacing_mm=(0.1, 0.1))
    mask = image_from(np.zeros((3, 4), dtype=np.uint8), spacing_mm=(0.1, 0.1))
    mask.SetOrigin((0.0005, 0.0))
    assert grid_offset(image, mask).voxel == pytest.approx(0.005)
