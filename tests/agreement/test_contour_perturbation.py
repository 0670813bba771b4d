"""Perturbed contours: displaced by the amplitude requested, smooth, and never an empty mask."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from pipeline.agreement.contour_perturbation import equivalent_radius, perturbed
from pipeline.foundation.errors import ImageError
from pipeline.statistics.overlap import dice


def disc(radius, *, side=96, ndim=2, centre=None):
    centre = (side - 1) / 2 if centre is None else centre
    return (((np.indices((side,) * ndim) - centre) ** 2).sum(axis=0)) <= radius**2


def again(mask, *, seed=0, amplitude=2.0, smoothness=6.0, spacing=None):
    spacing = spacing or (1.0,) * mask.ndim
    return perturbed(mask, amplitude=amplitude, smoothness=smoothness, spacing=spacing, rng=np.random.default_rng(seed))


def n_components(mask):
    return ndimage.label(mask, structure=np.ones((3,) * mask.ndim))[1]


def test_equivalent_radius_by_hand():
    assert equivalent_radius(np.ones((4, 9)), spacing=(0.5, 2.0)) == pytest.approx(6 / np.sqrt(np.pi))
    assert equivalent_radius(disc(15, side=40, ndim=3), spacing=(2.0,) * 3) == pytest.approx(30, rel=0.01)


def test_the_radius_of_a_disc_varies_as_requested_and_is_unbiased():
    # Along the contour: mean 0 and SD = amplitude, half of the variance common to the whole contour.
    radii = np.array([np.sqrt(again(disc(24), seed=seed).sum() / np.pi) for seed in range(200)])

    assert radii.mean() == pytest.approx(24, abs=0.4)
    assert np.sqrt(0.5) * 2 < radii.std() < 2


def test_amplitude_zero_changes_nothing_and_more_changes_more():
    overlaps = [np.mean([dice(disc(24), again(disc(24), seed=s, amplitude=a)) for s in range(20)]) for a in (0, 1, 3)]

    assert overlaps[0] == 1
    assert 0.94 < overlaps[1] < 0.99
    assert overlaps[1] > overlaps[2] > 0.8


def test_one_seed_is_one_contour():
    assert (again(disc(20), seed=3) == again(disc(20), seed=3)).all()
    assert (again(disc(20), seed=3) != again(disc(20), seed=4)).any()


def test_the_unit_is_that_of_the_spacing():
    # The same lesion on a grid twice as fine, everything in mm, is displaced alike.
    coarse = [again(disc(12, side=64), seed=s, amplitude=1.0, smoothness=4.0).sum() for s in range(60)]
    fine = [again(disc(24, side=128), seed=s, amplitude=1.0, smoothness=4.0, spacing=(0.5, 0.5)) for s in range(60)]

    assert np.std([f.sum() / 4 for f in fine]) == pytest.approx(np.std(coarse), rel=0.3)


def test_the_size_of_the_image_changes_nothing():
    small = again(disc(10, side=64))
    large = np.zeros((900, 900), dtype=bool)
    large[500:564, 300:364] = disc(10, side=64)

    assert (again(large)[500:564, 300:364] == small).all()


def test_a_volume_with_thick_slices():
    ball = disc(8, side=40, ndim=3)[::4]
    drawn = again(ball, spacing=(4.0, 1.0, 1.0), amplitude=1.0)

    assert n_components(drawn) == 1
    assert 0.7 < dice(ball, drawn) < 1


def test_two_components_stay_two():
    both = disc(9, centre=20) | disc(9, centre=70)
    drawn = again(both, seed=5)

    assert n_components(drawn) == 2
    assert (drawn != both).any()


def test_a_lesion_at_the_edge_stays_within_the_image():
    corner = disc(15, centre=0)
    drawn = again(corner, seed=1)

    assert drawn.shape == corner.shape
    assert drawn[0, 0]


@pytest.mark.parametrize(("value", "message"), [(0, "marks no voxel"), (1, "no contour")])
def test_a_mask_without_a_contour_is_refused(value, message):
    with pytest.raises(ImageError, match=message):
        again(np.full((8, 8), value))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 12), st.floats(0.1, 20), st.integers(0, 12), st.sampled_from([2, 3]))
def test_one_component_stays_one_component_for_any_params(seed, amplitude, smoothness, radius, ndim):
    mask = disc(radius, side=28, ndim=ndim, centre=9)
    mask[tuple([slice(9, 10)] * (ndim - 1))] = True  # a thin line through the image: easily broken
    drawn = again(mask, seed=seed, amplitude=amplitude, smoothness=smoothness)

    assert drawn.any()
    assert n_components(drawn) == 1
    assert (drawn & mask).any()
