"""TRFE+: the prior is what coordinate attention would multiply by, fused in three ways; the area is a fraction."""

import pytest
import torch
from torch import nn

from pipeline.networks.coordinate_attention import CoordinateAttention
from pipeline.networks.trfeplus import RegionPrior, TrfePlus


def network(fusion="add"):
    torch.manual_seed(0)
    return TrfePlus(width=4, fusion=fusion, dropout=0.5)


@pytest.mark.parametrize(("channels", "middle"), [(512, 32), (256, 16), (128, 8), (32, 8)])
def test_the_bottleneck_of_the_prior_has_the_published_width(channels, middle):
    prior = RegionPrior(channels)

    assert prior.shared.out_channels == middle
    assert prior.norm.num_groups == 8


def test_the_prior_has_one_profile_per_axis():
    torch.manual_seed(0)
    prior = RegionPrior(8)
    with torch.inference_mode():
        found = prior(torch.rand(2, 8, 6, 10), torch.rand(2, 8, 6, 10))

    assert found.shape == (2, 8, 6, 10)
    assert 0 < float(found.min()) < float(found.max()) < 1
    torch.testing.assert_close(found[..., 1:2, :] * found[..., :1, :1], found[..., :1, :] * found[..., 1:2, :1])


def test_the_prior_is_coordinate_attention_on_both_maps():
    torch.manual_seed(0)
    prior, attention = RegionPrior(8), CoordinateAttention(16)
    attention.load_state_dict(
        {k: v for k, v in prior.state_dict().items() if k.startswith("shared")}
        | {k: torch.cat([v, v]) for k, v in prior.state_dict().items() if k.startswith("along")},
        strict=False,
    )
    attention.norm, attention.activation = prior.norm, prior.activation
    x, gland = torch.rand(2, 8, 5, 9), torch.rand(2, 8, 5, 9)
    rows, columns = attention.maps(torch.cat([x, gland], dim=1))

    torch.testing.assert_close(prior(x, gland), (rows * columns)[:, :8])


@pytest.mark.parametrize(("fusion", "expected"), [("add", 3.25), ("mul", 0.75), ("residual_mul", 3.75)])
def test_fusions_by_hand(fusion, expected):
    assert network(fusion).fused(torch.tensor(3.0), torch.tensor(0.25)).item() == expected


def test_the_fusion_acts_in_the_network():
    x = torch.rand(2, 3, 16, 32)
    add, mul = (network(fusion).eval()(x) for fusion in ("add", "mul"))

    assert torch.equal(add.gland, mul.gland)
    assert not torch.allclose(add.nodule, mul.nodule)


def test_area_is_a_fraction_of_each_image():
    output = network()(torch.rand(3, 3, 16, 32))

    assert output.scale.shape == (3,)
    assert bool(((output.scale > 0) & (output.scale < 1)).all())


def test_it_has_no_batch_norm_but_in_the_scale_head():
    found = {
        name.partition(".")[0]
        for name, m in network().named_modules()
        if isinstance(m, nn.modules.batchnorm._BatchNorm)
    }

    assert found == {"scale_head"}


def test_initial_weights_are_torchs_own():
    torch.manual_seed(0)
    expected = nn.Conv2d(3, 4, kernel_size=3, padding=1)

    assert torch.equal(network().encoder.levels[0][0].weight, expected.weight)
