"""Augmentation changes what it is told to, each image on its own, and repeats itself from the same seed."""

import pytest
import torch
from tiny_study import NO_CHANGE

from pipeline.training.augmentation import augmentation


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


def test_neighbouring_slices_are_moved_alike():
    image = torch.rand(1, 16, 16).expand(3, 16, 16)
    found = changed(image[None], scale=0.3, rotation_deg=30, shift=0.2, shear_deg=20, flip=0.5, contrast=0.5)[0]

    assert not torch.equal(found, image)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_half_the_strengths_by_hand():
    strengths = NO_CHANGE.model_copy(update={"rotation_deg": 10.0, "noise_sd": 0.02, "flip": 0.5}).scaled(0.5)

    assert (strengths.rotation_deg, strengths.noise_sd, strengths.scale) == (5.0, 0.01, 0.0)
    assert strengths.flip == 0.5  # a probability, no strength
