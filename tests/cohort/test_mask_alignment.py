"""mask_alignment: shifts set by hand, and what is accepted."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.cohort.grey_image import grey_image
from pipeline.cohort.mask_alignment import fit_mask, grid_offset
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


def test_offset_of_a_different_spacing_is_largest_at_the_far_corner():
    offset = grid_offset(grid(), grid(spacing=(0.5, 0.5, 2.1)))
    assert offset.mm == pytest.approx(0.5)  # five steps of 0.1 mm
    assert offset.voxel == pytest.approx(0.25)


def test_a_flipped_axis_shifts_the_corner():
    mask = grid(size=(4, 5, 6))
    mask.SetDirection((-1, 0, 0, 0, 1, 0, 0, 0, 1))
    assert grid_offset(grid(), mask).voxel == pytest.approx(6)  # index 3 lies at -3


def test_two_axes():
    image = image_from(np.zeros((3, 4), dtype=np.uint8), spacing_mm=(0.1, 0.1))
    mask = image_from(np.zeros((3, 4), dtype=np.uint8), spacing_mm=(0.1, 0.1))
    mask.SetOrigin((0.0005, 0.0))
    assert grid_offset(image, mask).voxel == pytest.approx(0.005)


BOX = np.zeros((20, 30), dtype=np.uint8)
BOX[5:11, 8:15] = 1


def fitted(box, *, origin=(0.0, 0.0)):
    """The box on the grid of a 20 x 30 image with 0.5 mm pixels, and its findings by check."""
    image, mask = (image_from(array, spacing_mm=(0.5, 0.5)) for array in (np.zeros((20, 30), dtype=np.uint8), box))
    mask.SetOrigin(origin)
    grey = grey_image(image, path=Path("a.nrrd"), colour_tolerance=8)
    marked, findings = fit_mask(mask, grey=grey, image_id="a", name="m.nrrd")
    return marked, {finding.check: finding for finding in findings}


def test_size_mismatch_names_both_sizes():
    marked, checks = fitted(BOX.T.copy())
    assert marked is None
    assert set(checks) == {"size_mismatch"}
    assert "20 x 30 voxels and the image 30 x 20" in checks["size_mismatch"].message


@pytest.mark.parametrize(
    ("shift_mm", "check", "severity"),
    [
        (0.0, None, None),
        (0.004, "geometry_repaired", "info"),
        (0.006, "geometry_offset", "warning"),
        (0.24, "geometry_offset", "warning"),
        (0.26, "geometry_mismatch", "error"),
    ],
)
def test_offset_of_the_mask_at_half_a_millimetre_per_voxel(shift_mm, check, severity):
    marked, checks = fitted(BOX, origin=(shift_mm, 0.0))
    assert [(c, f.severity) for c, f in checks.items()] == ([(check, severity)] if check else [])
    assert (marked is None) == (severity == "error")
    if check:
        assert f"{shift_mm:.3g} mm ({shift_mm / 0.5:.3g} voxels)" in checks[check].message
    if severity != "error":
        assert (marked == BOX).all()
