"""The arrangement of habitats by hand: checkerboard, discs, one voxel, 3-D."""

import numpy as np
import pytest

from pipeline.habitat.arrangement import arrangement, arrangement_names


def test_a_checkerboard_touches_the_other_habitat_alone():
    board = (np.indices((4, 4)).sum(axis=0) % 2 + 1).astype(np.uint8)
    found = arrangement(board, k=2)

    assert list(found) == arrangement_names(2)
    assert (found["contact_1_1"], found["contact_1_2"], found["contact_2_2"]) == (0, 1, 0)
    assert (found["habitat_1_components"], found["habitat_1_compactness"]) == (8, 0)
    assert found["habitat_1_fraction"] == found["habitat_2_fraction"] == 0.5


def test_two_halves_by_hand():
    labels = np.array([[0, 0, 0, 0], [0, 1, 1, 2], [0, 1, 1, 2]], dtype=np.uint8)
    found = arrangement(labels, k=3)

    assert found["habitat_1_fraction"] == pytest.approx(4 / 6)
    # Pairs that share a face: 4 in the square, 1 in the column, 2 between them; none with the outside.
    assert [found[f"contact_{i}_{j}"] for i, j in ((1, 1), (1, 2), (2, 2))] == pytest.approx([4 / 7, 2 / 7, 1 / 7])
    assert found["habitat_1_compactness"] == 1.0  # a square
    assert found["habitat_2_compactness"] == pytest.approx(1 / (2 * (2 - np.sqrt(2))))
    assert (found["habitat_3_fraction"], found["habitat_3_components"], found["contact_1_3"]) == (0, 0, 0)
    assert np.isnan(found["habitat_3_compactness"])


def test_contacts_add_up_to_one():
    labels = np.random.default_rng(0).integers(0, 5, (9, 8, 7)).astype(np.uint8)
    found = arrangement(labels, k=4)

    assert sum(value for name, value in found.items() if name.startswith("contact")) == pytest.approx(1)
    assert sum(found[f"habitat_{one}_fraction"] for one in range(1, 5)) == pytest.approx(1)


def test_a_cube_is_compact_and_one_slice_is_an_area():
    cube = np.ones((3, 3, 3), dtype=np.uint8)

    assert arrangement(cube, k=2)["habitat_1_compactness"] == pytest.approx(1)
    assert arrangement(cube[:1], k=2)["habitat_1_compactness"] == pytest.approx(1)


def test_one_voxel_has_no_neighbour():
    found = arrangement(np.array([[0, 1, 0]], dtype=np.uint8), k=2)

    assert (found["habitat_1_fraction"], found["habitat_1_components"]) == (1, 1)
    assert np.isnan(found["contact_1_2"])
    assert np.isnan(found["habitat_1_compactness"])
