"""Diameters over hulls: those of all pairs on random points, and by hand."""

import numpy as np
import pytest

from pipeline.radiomics.engine.diameters import largest_distance_2d, largest_distances

SPACING = np.array([2.5, 0.7, 0.9])


def of_all_pairs(points):
    """The four diameters (3-D, then planes of constant z, y, x) over all pairs."""
    difference = points[:, None] - points[None]
    distance = np.sqrt(((difference / 2 * SPACING) ** 2).sum(2))
    return [distance.max(), *(distance[difference[:, :, axis] == 0].max() for axis in range(3))]


@pytest.mark.parametrize("kind", ["cloud", "one point", "line", "plane", "diagonal"])
def test_all_pairs_agree(kind):
    points = np.random.default_rng(6).integers(0, 15, (60, 3))
    if kind == "one point":
        points = points[:1]
    elif kind == "line":
        points[:, 1:] = 3
    elif kind == "plane":
        points[:, 0] = 2
    elif kind == "diagonal":
        points[:, 1:] = points[:, :1]

    found = largest_distances(points.astype(np.int32), spacing_mm=SPACING)

    np.testing.assert_allclose(found, of_all_pairs(points), rtol=1e-12)


def test_a_rectangle_has_its_diagonal():
    corners = np.array([[0, 0, 0], [0, 6, 0], [0, 0, 8], [0, 6, 8], [0, 3, 4]], dtype=np.int32)

    assert largest_distance_2d(corners, spacing_mm=np.ones(3)) == pytest.approx(5)
