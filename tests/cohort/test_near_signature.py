"""near_signature: copies of a picture have nearly one signature, other pictures have another."""

import numpy as np
import pytest
from near_copies import brightened, drawn, gamma, jpeg, scaled

from pipeline.cohort.near_signature import signature
from pipeline.foundation.images import image_from


def correlation(one, other):
    return np.corrcoef(*(signature(image_from(image)).ravel() for image in (one, other)))[0, 1]


@pytest.mark.parametrize("copy", [jpeg, brightened, lambda i: scaled(i, 0.5), lambda i: gamma(i, 0.6)])
def test_a_copy_is_alike(copy):
    assert correlation(drawn(1), copy(drawn(1))) > 0.95


def test_another_picture_is_unlike():
    assert abs(correlation(drawn(1), drawn(2))) < 0.2


def test_shape_and_type_in_two_and_three_dimensions():
    volume = np.stack([drawn(seed) for seed in range(20)])

    assert signature(image_from(drawn(1))).shape == (1, 64, 64)
    found = signature(image_from(volume.astype(np.int16) - 1000))
    assert (found.shape, found.dtype) == ((8, 64, 64), np.int8)
    assert signature(image_from(volume[:3])).shape == (8, 64, 64)


def test_units_do_not_matter():
    stored = drawn(1)

    assert np.abs(signature(image_from(stored * 4.0 - 1000)) - signature(image_from(stored))).max() <= 1


@pytest.mark.parametrize("value", [0, 7.5, np.nan])
def test_a_flat_image_has_a_signature_of_zeros(value):
    assert not signature(image_from(np.full((20, 30), value))).any()
