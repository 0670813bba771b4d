"""From a probability to a mask, on masks drawn by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from pipeline.segment.params import PostprocessParams
from pipeline.segment.postprocess import postprocessed

ALL = PostprocessParams(components="all", fill_holes=False)


def drawn(*rows):
    return np.array([[0.9 if one == "#" else 0.1 for one in row] for row in rows], dtype=np.float32)


def as_text(mask):
    return ["".join("#" if one else "." for one in row) for row in mask]


def test_threshold_is_reached_by_equality():
    probability = np.array([[0.3, 0.3 - 1e-6, 0.9]], dtype=np.float32)
    mask = postprocessed(probability, params=ALL.model_copy(update={"threshold": 0.3}))

    np.testing.assert_array_equal(mask, [[1, 0, 1]])
    assert mask.dtype == np.uint8


def test_largest_component_is_connected_at_corners_and_the_first_of_equals():
    image = drawn("##...", "..#..", ".....", "##.##")
    assert as_text(postprocessed(image, params=PostprocessParams())) == ["##...", "..#..", ".....", "....."]
    equal = drawn("....#", ".....", "#....")
    assert as_text(postprocessed(equal, params=PostprocessParams())) == ["....#", ".....", "....."]
    assert as_text(postprocessed(image, params=ALL)) == ["##...", "..#..", ".....", "##.##"]


def test_holes_are_filled_before_sizes_are_counted():
    image = drawn("###.####", "#.#.####", "###.#...")  # 8 + 1 hole against 9
    assert as_text(postprocessed(image, params=PostprocessParams())) == ["###.....", "###.....", "###....."]
    unfilled = PostprocessParams(fill_holes=False)
    assert as_text(postprocessed(image, params=unfilled)) == ["....####", "....####", "....#..."]


def test_small_components_are_removed():
    image = drawn("##..#", "##...")
    at_least = ALL.model_copy(update={"min_area_px": 4})
    assert as_text(postprocessed(image, params=at_least)) == ["##...", "##..."]
    assert not postprocessed(image, params=ALL.model_copy(update={"min_area_px": 5})).any()
    assert not postprocessed(image, params=PostprocessParams(min_area_px=5)).any()


def test_a_volume_is_filled_slice_by_slice_and_connected_across_slices():
    ring, full = drawn("###", "#.#", "###"), drawn("###", "###", "###")
    volume = np.stack([ring, ring, full])  # open at the top, so no hole of the volume
    assert postprocessed(volume, params=PostprocessParams()).sum() == 27
    corner = np.zeros((2, 2, 2), dtype=np.float32)
    corner[0, 0, 0] = corner[1, 1, 1] = 1
    assert postprocessed(corner, params=PostprocessParams()).sum() == 2


def test_one_pixel_the_frame_and_nothing():
    one = np.zeros((5, 5), dtype=np.float32)
    assert not postprocessed(one, params=PostprocessParams()).any()
    one[4, 4] = 1
    assert postprocessed(one, params=PostprocessParams()).sum() == 1
    assert postprocessed(np.ones((4, 5, 6), dtype=np.float32), params=PostprocessParams()).all()


@given(hnp.arrays(np.float32, (6, 7), elements=st.sampled_from([0.0, 0.4, 0.6, 1.0])))
def test_laws(probability):
    everything = postprocessed(probability, params=PostprocessParams(components="all"))
    largest = postprocessed(probability, params=PostprocessParams())

    assert (everything >= (probability >= 0.5)).all()
    assert (largest <= everything).all()
    np.testing.assert_array_equal(postprocessed(largest.astype(np.float32), params=PostprocessParams()), largest)
    shifted = postprocessed(np.pad(probability, ((2, 0), (1, 3))), params=PostprocessParams())
    np.testing.assert_array_equal(shifted, np.pad(largest, ((2, 0), (1, 3))))


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match="not between 0 and 1"):
        postprocessed(np.array([[np.nan, 0.2]], dtype=np.float32), params=ALL)
    with pytest.raises(ValueError, match="y, x"):
        postprocessed(np.zeros(3, dtype=np.float32), params=ALL)
    for wrong in ({"threshold": 0}, {"threshold": 1}, {"components": "two"}, {"min_area_px": -1}):
        with pytest.raises(ValidationError):
            PostprocessParams(**wrong)
