"""near_registration: the distance of copies is small, that of other pictures is not."""

import numpy as np
import pytest
from near_copies import COPIES, cut, drawn, framed, mirrored

from pipeline.cohort.near_registration import WHOLE, WINDOWS, descriptors, fit
from pipeline.cohort.near_signature import signature
from pipeline.foundation.images import image_from


def signed(image):
    return signature(image_from(image))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_near_from_either_side(name):
    copy = signed(COPIES[name](drawn(3)))

    for found in (fit(signed(drawn(3)), copy), fit(copy, signed(drawn(3)))):
        assert found.distance < 0.2
        assert found.correlation > 0.8
        assert found.mirrored == ("mirrored" in name)


def test_an_image_is_at_distance_zero_of_itself():
    assert fit(signed(drawn(3)), signed(drawn(3))).distance == pytest.approx(0, abs=1e-6)


def test_other_pictures_are_far():
    distances = [fit(signed(drawn(0)), signed(drawn(seed))).distance for seed in range(1, 9)]

    assert min(distances) > 0.7


def test_a_common_frame_does_not_make_two_pictures_near():
    one, other, copy = (signed(framed(image)) for image in (drawn(1), drawn(2), drawn(1) // 2))

    assert fit(one, other).distance > 0.5
    assert fit(one, copy).distance < 0.2


def test_half_a_picture_is_not_the_picture():
    half = drawn(1)
    half[:, 80:] = drawn(2)[:, 80:]

    assert fit(signed(drawn(1)), signed(half)).distance > 0.5


def test_pictures_that_show_nothing_are_far():
    blank = np.zeros((1, 64, 64), dtype=np.int8)

    assert fit(blank, blank).distance == 1.0


def test_a_volume_is_compared_slice_by_slice():
    volume = np.stack([drawn(seed) for seed in range(16)])
    smaller = np.stack([cut(mirrored(image), left=0.05) for image in volume])
    shuffled = volume[::-1].copy()

    found = fit(signed(volume), signed(smaller))
    assert (found.distance < 0.2, found.mirrored) == (True, True)
    assert fit(signed(volume), signed(shuffled)).distance > 0.7


def test_descriptors_are_unit_vectors_of_the_part_in_the_window():
    stack = np.stack([signed(drawn(seed)) for seed in range(3)])
    whole, corner = descriptors(stack, window=WHOLE), descriptors(stack, window=WINDOWS[-1])

    assert whole.shape == (3, 1, 20, 20)
    np.testing.assert_allclose((whole**2).sum(axis=(1, 2, 3)), 1, rtol=1e-5)
    in_part = descriptors(signed(cut(drawn(0), 0.04, 0.04, 0.04, 0.04))[None], window=WHOLE)
    assert (in_part[0] * corner[0]).sum() > 0.9 > (in_part[0] * whole[0]).sum()
