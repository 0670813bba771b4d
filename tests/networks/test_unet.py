"""U-Net: the published number of weights, maps of the expected shape, and norms that fit any width."""

import pytest
import torch
from torch import nn

from pipeline.networks.unet import DecoderStep, UNet, UNetDecoder, UNetEncoder, group_norm


def test_it_has_the_published_number_of_weights():
    with torch.device("meta"):
        assert sum(p.numel() for p in UNet(width=64).parameters()) == 31_043_521


def test_each_level_has_half_the_side_and_twice_the_channels():
    maps = UNetEncoder(width=4, norm=nn.BatchNorm2d)(torch.rand(2, 3, 32, 48))
    decoded = UNetDecoder(width=4, norm=nn.BatchNorm2d)(maps)

    assert [tuple(one.shape[1:]) for one in maps] == [(4, 32, 48), (8, 16, 24), (16, 8, 12), (32, 4, 6), (64, 2, 3)]
    assert [tuple(one.shape[1:]) for one in decoded] == [(32, 4, 6), (16, 8, 12), (8, 16, 24), (4, 32, 48)]


def test_the_first_half_of_a_joined_map_comes_from_below_and_the_second_from_the_encoder():
    step = DecoderStep(4, norm=nn.BatchNorm2d)
    seen = []
    step.convolutions.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    x, skip = torch.rand(1, 4, 3, 5), torch.rand(1, 2, 6, 10)

    step(x, skip)

    assert torch.equal(seen[0][:, :2], step.up(x))
    assert torch.equal(seen[0][:, 2:], skip)


def test_coupling_changes_every_step_but_the_last():
    maps = UNetEncoder(width=4, norm=nn.BatchNorm2d)(torch.rand(2, 3, 16, 16))
    decoder, numbers = UNetDecoder(width=4, norm=nn.BatchNorm2d), []

    def zeros(number, x):
        numbers.append(number)
        return 0 * x

    found = decoder(maps, coupling=zeros)

    assert numbers == [0, 1, 2]
    assert [bool(one.any()) for one in found] == [False, False, False, True]


@pytest.mark.parametrize(
    ("channels", "groups"), [(1024, 32), (64, 32), (32, 16), (16, 8), (8, 4), (4, 2), (12, 2), (40, 4)]
)
def test_groups_of_a_group_norm_divide_and_have_two_channels_or_more(channels, groups):
    assert group_norm(channels).num_groups == groups


def test_initial_weights_are_kaimings_by_the_outgoing_connections():
    torch.manual_seed(0)
    first = UNet(width=64).encoder.levels[0][0].weight

    assert first.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.05)
