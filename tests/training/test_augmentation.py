"""Augmentation applies the requested transforms to each image on its own, the same for the same seed; mixup by hand."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import NO_CHANGE

from pipeline.training.augmentation import augmentation, mixed


def changed(batch, *, seed=0, **strengths):
    torch.manual_seed(seed)
    change = augmentation(NO_CHANGE.model_copy(update=strengths))
    return torch.stack([change(image) for image in batch])


def test_no_strength_is_no_change():
    batch = torch.rand(3, 1, 16, 16)

    assert torch.equal(changed(batch), batch)


@pytest.mark.parametrize(
    "strength",
    [
        {"scale": 0.3},
        {"rotation_deg": 30},
        {"shift": 0.2},
        {"shear_deg": 20},
        {"contrast": 0.5},
        {"brightness": 0.5},
        {"noise_sd": 0.1},
    ],
)
def test_each_strength_changes_every_image_differently(strength):
    batch = torch.rand(1, 1, 16, 16).expand(4, 1, 16, 16)
    found = changed(batch, **strength)

    assert found.shape == batch.shape
    assert all(not torch.equal(image, batch[0]) for image in found)
    assert not torch.equal(found[0], found[1])
    assert found.min() >= 0
    assert found.max() <= 1


def test_flip_by_hand():
    batch = torch.arange(4.0).view(1, 1, 2, 2) / 4

    assert changed(batch, flip=1.0).flatten().tolist() == [0.25, 0.0, 0.75, 0.5]


def test_same_seed_same_images():
    batch = torch.rand(4, 1, 16, 16)
    strengths = {"rotation_deg": 20, "contrast": 0.3, "noise_sd": 0.05, "flip": 0.5}

    assert torch.equal(changed(batch, seed=4, **strengths), changed(batch, seed=4, **strengths))
    assert not torch.equal(changed(batch, seed=4, **strengths), changed(batch, seed=5, **strengths))


def test_neighbouring_slices_are_transformed_alike():
    image = torch.rand(1, 16, 16).expand(3, 16, 16)
    found = changed(image[None], scale=0.3, rotation_deg=30, shift=0.2, shear_deg=20, flip=0.5, contrast=0.5)[0]

    assert not torch.equal(found, image)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_half_the_strengths_by_hand():
    strengths = NO_CHANGE.model_copy(update={"rotation_deg": 10.0, "noise_sd": 0.02, "flip": 0.5}).scaled(0.5)

    assert (strengths.rotation_deg, strengths.noise_sd, strengths.scale) == (5.0, 0.01, 0.0)
    assert strengths.flip == 0.5  # a probability, no strength


def test_mixup_by_hand():
    pixels = torch.tensor([0.0, 10.0, 30.0]).view(3, 1, 1, 1).expand(3, 1, 2, 2)
    torch.manual_seed(3)
    share = float(torch.distributions.Beta(torch.tensor([0.4]), torch.tensor([0.4])).sample())
    torch.manual_seed(3)
    found, labels = mixed(pixels, torch.tensor([0.0, 1.0, 1.0]), alpha=0.4)

    assert 0.01 < share < 0.99
    assert found[:, 0, 0, 0].tolist() == pytest.approx(
        [30 * (1 - share), 10 * share, 30 * share + 10 * (1 - share)], rel=1e-5
    )
    assert labels.tolist() == pytest.approx([1 - share, share, 1.0], rel=1e-5)
    assert found.shape == pixels.shape


@given(alpha=st.floats(0.01, 10), seed=st.integers(0, 2**31), events=st.lists(st.floats(0, 1, width=32), min_size=1))
def test_mixup_keeps_the_mean_and_the_range(alpha, seed, events):
    labels = torch.tensor(events)
    pixels = labels.view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    torch.manual_seed(seed)
    found, soft = mixed(pixels, labels, alpha=alpha)

    assert soft.dtype == labels.dtype
    assert 0 <= float(soft.min()) <= float(soft.max()) <= 1
    torch.testing.assert_close(soft, found[:, 0, 1, 1])  # images and labels have the same weights
    torch.testing.assert_close(soft.sum(), labels.sum(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 1e-300, 0.0099])
def test_no_mixup_changes_and_draws_nothing(alpha):
    pixels, labels = torch.rand(3, 1, 4, 4), torch.tensor([0.0, 1.0, 1.0])
    before = torch.get_rng_state()
    found = mixed(pixels, labels, alpha=alpha)

    assert found[0] is pixels
    assert found[1] is labels
    assert torch.equal(torch.get_rng_state(), before)


def test_mixup_with_the_minimum_alpha_changes_few_images():
    torch.manual_seed(0)
    pixels, labels = torch.zeros(2, 1, 1, 1), torch.tensor([0.0, 1.0])
    shares = torch.stack([mixed(pixels, labels, alpha=0.01)[1][1] for _ in range(500)])

    at_half = ((shares > 0.4) & (shares < 0.6)).float().mean()
    assert at_half < 0.02
