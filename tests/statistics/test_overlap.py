"""Overlap of two masks, computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.statistics.overlap import OverlapCounts, dice, overlap_counts

MASKS = hnp.arrays(np.uint8, (5, 6), elements=st.integers(0, 1))


def test_dice_by_hand():
    a = np.array([1, 1, 1, 0])

    assert dice(a, np.array([0, 1, 255, 1])) == pytest.approx(4 / 6)
    assert (dice(a, a), dice(a, 1 - a), dice(0 * a, 0 * a)) == (1, 0, 1)
    with pytest.raises(ValueError, match="shapes"):
        dice(a, a[:2])


def test_measures_by_hand():
    predicted, truth = np.zeros((4, 4)), np.zeros((4, 4), dtype=np.uint8)
    predicted[:2], truth[1:2, :3] = 7, 255  # 8 voxels, 3 voxels, 3 in common
    counts = overlap_counts(predicted, truth)

    assert counts == OverlapCounts(intersection=3, predicted=8, given=3)
    assert (counts.dice, counts.iou) == (pytest.approx(6 / 11), 3 / 8)
    assert (counts.precision, counts.sensitivity, counts.area_bias) == (3 / 8, 1, 5 / 3)


def test_empty_masks_follow_the_rule():
    nothing, something = np.zeros((3, 3, 3)), np.ones((3, 3, 3))
    both, missed, invented = (
        overlap_counts(*pair) for pair in ((nothing, nothing), (nothing, something), (something, nothing))
    )

    assert (both.dice, both.iou) == (1, 1)
    assert np.isnan([both.precision, both.sensitivity, both.area_bias, invented.area_bias]).all()
    assert all((one.dice, one.iou, one.precision, one.sensitivity) == (0, 0, 0, 0) for one in (missed, invented))
    assert missed.area_bias == -1
    assert [(one.both_empty, one.one_empty) for one in (both, missed, invented)] == [
        (True, False),
        (False, True),
        (False, True),
    ]


@given(MASKS, MASKS)
def test_laws(a, b):
    counts, swapped = overlap_counts(a, b), overlap_counts(b, a)

    assert counts.dice == swapped.dice
    assert counts.iou == swapped.iou
    assert counts.dice == pytest.approx(2 * counts.iou / (1 + counts.iou))
    assert counts.one_empty or counts.precision == pytest.approx(swapped.sensitivity, nan_ok=True)
    assert overlap_counts(a, a).dice == overlap_counts(a, a).iou == 1
    assert counts == overlap_counts(np.roll(a, 2, axis=1), np.roll(b, 2, axis=1))
