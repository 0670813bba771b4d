"""TRFE-Net: the masks of the gland by hand, and how its probability or its maps change those of the nodule."""

import pytest
import torch

from pipeline.networks.trfe import TrfeNet, TrfeNet1, TrfeNet2, halved_masks

NETWORKS = (TrfeNet, TrfeNet1, TrfeNet2)
SIDES = {0: 2, 1: 4, 2: 8}  # of a 16 px image, by decoder step
CHANNELS = {0: 32, 1: 16, 2: 8}  # of width 4


def test_masks_are_halved_by_nearest_pixels():
    mask = torch.arange(256.0).view(1, 1, 16, 16)
    eighth, quarter, half = halved_masks(mask)
    nearest = torch.nn.functional.interpolate(mask, scale_factor=0.5, mode="nearest")

    assert eighth.flatten().tolist() == [0, 8, 128, 136]
    assert quarter[0, 0, 1].tolist() == [64, 68, 72, 76]
    assert torch.equal(half, nearest)
    assert torch.equal(quarter, torch.nn.functional.interpolate(nearest, scale_factor=0.5, mode="nearest"))


def test_the_probability_of_gland_weights_the_maps_of_the_nodule():
    gland = torch.full((1, 1, 16, 16), -100.0)
    gland[..., :8] = 100.0  # gland on the left
    coupling = TrfeNet(width=4).coupling([], gland)

    for step, side in SIDES.items():
        found = coupling(step, torch.ones(1, CHANNELS[step], side, side))
        assert found[..., : side // 2].unique().tolist() == [2.0]
        assert found[..., side // 2 :].unique().tolist() == [1.0]


def test_the_maps_of_the_gland_weight_those_of_the_nodule():
    maps = [torch.full((1, CHANNELS[step], side, side), step + 0.5) for step, side in SIDES.items()]
    coupling = TrfeNet1(width=4).coupling(maps, torch.zeros(1, 1, 16, 16))

    assert [coupling(step, torch.ones_like(maps[step])).unique().tolist() for step in SIDES] == [[1.5], [2.5], [3.5]]


def test_fused_maps_are_added_to_those_of_the_nodule():
    torch.manual_seed(0)
    network = TrfeNet2(width=4).eval()
    maps = [torch.rand(2, CHANNELS[step], side, side) for step, side in SIDES.items()]
    coupling = network.coupling(maps, torch.zeros(2, 1, 16, 16))

    for step in SIDES:
        x = torch.rand_like(maps[step])
        added = network.fusions[step](torch.cat([x, maps[step]], dim=1))
        assert added.any()
        assert torch.equal(coupling(step, x), x + added)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_loss_of_the_nodule_reaches_the_decoder_of_the_gland(network):
    torch.manual_seed(0)
    built = network(width=4)
    built(torch.rand(2, 3, 16, 32)).nodule.sum().backward()

    assert built.gland_decoder.steps[0].convolutions[0].weight.grad.any()
