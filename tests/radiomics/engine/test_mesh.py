"""The surface mesh of one voxel, one pixel and a box, by hand."""

import numpy as np
import pytest

from pipeline.radiomics.engine.mesh import perimeter_and_surface, surface_and_volume, vertices

UNIT = np.ones(3)


def padded(*sides):
    return np.pad(np.ones(sides, dtype=np.int8), 1)


def test_one_voxel_is_an_octahedron():
    area, volume = surface_and_volume(padded(1, 1, 1), spacing_mm=UNIT)

    assert (area, volume) == pytest.approx((3**0.5, 1 / 6))
    assert sorted(map(tuple, vertices(padded(1, 1, 1)).tolist())) == [
        *((1, 2, 2), (2, 1, 2), (2, 2, 1)),
        *((2, 2, 3), (2, 3, 2), (3, 2, 2)),
    ]


def test_one_pixel_is_a_square_on_its_corner():
    assert perimeter_and_surface(padded(1, 1), spacing_mm=np.ones(2)) == pytest.approx((4 * 0.5**0.5, 0.5))


def test_spacing_scales_the_sides():
    area, volume = surface_and_volume(padded(10, 10, 10), spacing_mm=np.array([2.0, 1.0, 0.5]))
    half_area, half_volume = surface_and_volume(padded(10, 10, 10), spacing_mm=np.array([1.0, 0.5, 0.25]))

    assert (area, volume) == pytest.approx((4 * half_area, 8 * half_volume))
    assert volume == pytest.approx(1000, rel=0.03)


def test_a_hole_is_taken_off():
    mask = padded(5, 5, 5)
    area, volume = surface_and_volume(mask, spacing_mm=UNIT)
    mask[3, 3, 3] = 0
    holed_area, holed_volume = surface_and_volume(mask, spacing_mm=UNIT)

    assert (holed_area - area, volume - holed_volume) == pytest.approx((3**0.5, 1 / 6))
