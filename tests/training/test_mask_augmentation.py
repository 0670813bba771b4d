"""Image and masks move together; masks stay 0 and 1 and know neither contrast nor noise."""

import pytest
import torch
from tiny_study import NO_CHANGE

from pipeline.training.mask_augmentation import mask_augmentation

GEOMETRY = {"scale": 0.3, "rotation_deg": 40, "shift": 0.1, "shear_deg": 15, "flip": 0.5}
GREY = {"contrast": 0.5, "brightness": 0.5, "noise_sd": 0.1}


def planes(grey=1):
    """A bright rectangle that is the nodule, in a gland that is the upper half."""
    found = torch.zeros(grey + 2, 64, 64)
    found[:grey, 16:40, 20:32] = 1
    found[-2] = found[0]
    found[-1, :32] = 1
    return found


def changed(given, *, seed=0, **strengths):
    torch.manual_seed(seed)
    return mask_augmentation(NO_CHANGE.model_copy(update=strengths))(given)


@pytest.mark.parametrize("grey", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_the_mask_stays_on_its_lesion(grey, seed):
    found = changed(planes(grey), seed=seed, **GEOMETRY)

    assert not torch.equal(found, planes(grey))
    assert set(found[-2:].unique().tolist()) == {0.0, 1.0}
    assert found[-2].sum() > 100
    for plane in found[:-2]:
        # Halfway between the two values the edge of the blended image is that of the nearest pixel, but for a few.
        assert ((plane > 0.5).float() - found[-2]).abs().sum() <= 0.08 * found[-2].sum()


@pytest.mark.parametrize("strength", [*GREY.items()])
def test_grey_values_change_without_the_masks(strength):
    given = planes()
    given[0] = 0.25 + 0.5 * given[0]
    found = changed(given, **dict([strength]))

    assert not torch.equal(found[0], given[0])
    assert torch.equal(found[1:], given[1:])


def test_flip_by_hand():
    given = torch.arange(12.0).view(3, 2, 2) / 12

    assert torch.equal(changed(given, flip=1.0), given.flip(-1))


def test_no_strength_is_no_change():
    found = changed(planes())

    assert torch.equal(found, planes())
    assert type(found) is torch.Tensor


def test_same_seed_same_planes():
    everything = GEOMETRY | GREY

    assert torch.equal(changed(planes(), seed=4, **everything), changed(planes(), seed=4, **everything))
    assert not torch.equal(changed(planes(), seed=4, **everything), changed(planes(), seed=5, **everything))
