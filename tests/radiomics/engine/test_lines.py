"""Lines of voxels along any axis, copied into rows and back, and bounding boxes."""

import numpy as np
import pytest

from pipeline.radiomics.engine.lines import WIDTH, bounding_box, lines_along, load_rows, store_rows


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_lines_are_loaded_and_stored(axis):
    array = np.arange(4 * 5 * 60).reshape(4, 5, 60)
    turned = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])  # one line per row
    found, copy = lines_along(array, axis), np.zeros_like(array)
    assert np.shares_memory(found.flat, array)

    seen = []
    for o in range(found.outer):
        for first in range(0, found.lines, WIDTH):
            number, start = min(WIDTH, found.lines - first), o * found.outer_step + first * found.line_step
            rows = np.zeros(found.n * WIDTH, dtype=np.int64)
            load_rows(found, start, number, rows)
            seen += rows.reshape(found.n, WIDTH).T[:number].tolist()
            store_rows(rows, 0, lines_along(copy, axis), start, number)

    assert seen == turned.tolist()
    np.testing.assert_array_equal(copy, array)


def test_a_part_of_the_lines_is_stored():
    out = np.zeros((2, 3))
    rows = np.repeat(np.arange(4.0), WIDTH)

    store_rows(rows, 1, lines_along(out, 0), 0, 3)

    assert out.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_the_box_is_the_smallest_that_holds_every_voxel():
    inside = np.zeros((5, 6, 7), dtype=bool)
    inside[1, 2, 3], inside[3, 2, 5] = True, True

    assert bounding_box(inside) == (slice(1, 4), slice(2, 3), slice(3, 6))
    assert bounding_box(inside & False) is None
