"""Losses of masks by hand: Dice, the published Dice with its fault, the area term, and images without a mask."""

import math

import pytest
import torch

from pipeline.networks.unet import MaskOutput
from pipeline.training import mask_loss as module
from pipeline.training.mask_loss import dice_loss, mask_loss, published_dice_loss
from pipeline.training.params import MaskLossParams

BOTH = torch.tensor([True, True])
NONE = torch.tensor([False, False])
SURE = 50.0  # a logit whose probability is 1
MASK = torch.zeros(2, 8, 8)
MASK[:, 2:4, 2:6] = 1  # 8 of 64 pixels


def logits_of(mask):
    return ((2 * mask - 1) * SURE)[:, None].clone().requires_grad_()


def loss(output, *, gland=MASK, has_nodule=BOTH, has_gland=NONE, remaining=1.0, scale=None, **params):
    return mask_loss(
        output,
        nodule=MASK,
        gland=gland,
        has_nodule=has_nodule,
        has_gland=has_gland,
        params=MaskLossParams(**params),
        remaining=remaining,
        scale=torch.full((2,), 0.125) if scale is None else scale,
    )


def square(area):
    """An image whose mask has that many pixels."""
    return (torch.arange(64 * 64) < area).float().view(1, 64, 64)


@pytest.mark.parametrize(("area", "published"), [(1000, -1 / 2001), (50, -1 / 101), (0, -1.0)])
def test_a_perfect_prediction_has_no_loss_and_a_negative_one_as_published(area, published):
    mask = square(area)

    assert dice_loss(mask, mask, smoothing=1.0).item() == 0
    assert published_dice_loss(mask, mask, smoothing=1.0).item() == pytest.approx(published, abs=1e-6)


def test_dice_of_half_a_mask_by_hand():
    truth, half = square(8), square(4)

    assert dice_loss(half, truth, smoothing=1.0).item() == pytest.approx(1 - (2 * 4 + 1) / (4 + 8 + 1))
    assert published_dice_loss(half, truth, smoothing=2.0).item() == pytest.approx(1 - 2 * (4 + 2) / (4 + 8 + 2))


@pytest.mark.parametrize(("kind", "entropy"), [("dice", 0.0), ("dice_cross_entropy", math.log(2))])
def test_loss_of_no_knowledge_by_hand(kind, entropy):
    found = loss(MaskOutput(nodule=torch.zeros(2, 1, 8, 8)), kind=kind)

    assert found.item() == pytest.approx(1 - (2 * 4 + 1) / (32 + 8 + 1) + entropy)


def test_perfect_masks_have_no_loss_and_tasks_are_added():
    perfect, wrong = logits_of(MASK), logits_of(1 - MASK)
    of_nodule = loss(MaskOutput(nodule=wrong)).item()
    of_both = loss(MaskOutput(nodule=wrong, gland=wrong), has_gland=BOTH).item()

    assert loss(MaskOutput(nodule=perfect, gland=perfect), has_gland=BOTH).item() == pytest.approx(0, abs=1e-6)
    assert of_nodule > SURE / 2
    assert of_both == pytest.approx(2 * of_nodule)


def test_parity_is_the_sum_over_the_images_without_cross_entropy():
    found = loss(MaskOutput(nodule=logits_of(MASK)), parity=True, kind="dice_cross_entropy")

    assert found.item() == pytest.approx(2 * -1 / 17, abs=1e-6)


@pytest.mark.parametrize("parity", [True, False])
def test_an_image_without_a_mask_counts_for_nothing(parity):
    first, some = torch.tensor([True, False]), torch.rand(2, 1, 8, 8)
    nodule, gland = some.clone().requires_grad_(), some.clone().requires_grad_()
    output = MaskOutput(nodule=nodule, gland=gland, scale=torch.tensor([0.3, 0.9]))
    unknown = MASK.clone()
    unknown[0] = math.nan  # the first image has no gland
    found = loss(
        output,
        gland=unknown,
        has_nodule=first,
        has_gland=~first,
        scale=torch.tensor([0.3, math.nan]),
        parity=parity,
    )
    found.backward()

    alone = loss(MaskOutput(nodule=some[:1].expand(2, 1, 8, 8)), parity=parity).item() / (2 if parity else 1)
    other = loss(MaskOutput(nodule=some[1:].expand(2, 1, 8, 8)), parity=parity).item() / (2 if parity else 1)
    assert found.item() == pytest.approx(alone + other, rel=1e-5)
    assert [bool(nodule.grad[image].any()) for image in (0, 1)] == [True, False]
    assert [bool(gland.grad[image].any()) for image in (0, 1)] == [False, True]


def test_a_batch_without_any_mask_is_a_loss_of_zero_with_a_gradient_of_zero():
    nodule = torch.rand(2, 1, 8, 8, requires_grad=True)
    found = loss(MaskOutput(nodule=nodule, scale=torch.rand(2)), has_nodule=NONE)
    found.backward()

    assert found.item() == 0
    assert not nodule.grad.any()


def test_the_area_term_fades_by_hand():
    output = MaskOutput(nodule=logits_of(MASK), scale=torch.tensor([0.125, 0.625]))
    expected = math.log(math.cosh(0.5)) / 2

    assert loss(output, remaining=1.0).item() == pytest.approx(expected, abs=1e-6)
    assert loss(output, remaining=0.25, scale_weight=2.0).item() == pytest.approx(expected / 2, abs=1e-6)
    assert loss(output, remaining=0.0).item() == pytest.approx(0, abs=1e-6)


def test_it_is_computed_in_float32_under_autocast():
    rough = torch.randn(2, 1, 8, 8).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = loss(MaskOutput(nodule=rough, scale=torch.tensor([0.1, 0.2]).bfloat16()))

    assert found.dtype == torch.float32
    assert torch.equal(found, loss(MaskOutput(nodule=rough, scale=torch.tensor([0.1, 0.2]).bfloat16())))


@pytest.mark.parametrize("parity", [True, False])
def test_shares_of_a_batch_average_to_the_loss_of_the_batch(monkeypatch, parity):
    logits, only_first = torch.randn(2, 1, 8, 8), torch.tensor([True, False])
    whole = loss(MaskOutput(nodule=logits), parity=parity).item()
    monkeypatch.setattr(module, "size", lambda: 2)
    monkeypatch.setattr(module, "mean_over_group", lambda total: total)  # each share has one image, as the mean
    shares = [
        loss(MaskOutput(nodule=logits), has_nodule=share, parity=parity).item() for share in (only_first, ~only_first)
    ]

    assert sum(shares) / 2 == pytest.approx(whole, rel=1e-5)
