"""The Dice coefficient, computed by hand."""

import numpy as np
import pytest

from pipeline.statistics.overlap import dice


def test_dice_by_hand():
    a = np.array([1, 1, 1, 0])

    assert dice(a, np.array([0, 1, 255, 1])) == pytest.approx(4 / 6)
    assert (dice(a, a), dice(a, 1 - a), dice(0 * a, 0 * a)) == (1, 0, 1)
    with pytest.raises(ValueError, match="shapes"):
        dice(a, a[:2])
