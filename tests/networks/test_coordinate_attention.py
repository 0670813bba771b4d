"""Coordinate attention against a second implementation written from the paper, and its published sizes."""

import pytest
import torch

from pipeline.networks.coordinate_attention import CoordinateAttention


def reference(x, weights, *, training):
    """Loops and matrix products instead of convolutions; batch norm by its formula. x: (N, C, H, W)."""
    n, c, h, w = x.shape
    profile = torch.empty(n, c, h + w, dtype=x.dtype)
    for i in range(h):
        profile[:, :, i] = x[:, :, i, :].sum(dim=2) / w
    for j in range(w):
        profile[:, :, h + j] = x[:, :, :, j].sum(dim=2) / h
    y = torch.einsum("mc,ncl->nml", weights["shared.weight"][:, :, 0, 0], profile)
    y = y + weights["shared.bias"][None, :, None]
    if training:
        mean, variance = y.mean(dim=(0, 2)), y.var(dim=(0, 2), correction=0)
    else:
        mean, variance = weights["norm.running_mean"], weights["norm.running_var"]
    y = (y - mean[None, :, None]) / torch.sqrt(variance[None, :, None] + 1e-5)
    y = y * weights["norm.weight"][None, :, None] + weights["norm.bias"][None, :, None]
    y = y * torch.clamp(y + 3, 0, 6) / 6
    gates = {}
    for name, part in (("along_height", y[:, :, :h]), ("along_width", y[:, :, h:])):
        mixed = torch.einsum("cm,nml->ncl", weights[f"{name}.weight"][:, :, 0, 0], part)
        gates[name] = 1 / (1 + torch.exp(-(mixed + weights[f"{name}.bias"][None, :, None])))
    return x * gates["along_width"][:, :, None, :] * gates["along_height"][:, :, :, None]


def attention(channels=64):
    torch.manual_seed(3)
    module = CoordinateAttention(channels, reduction=32)
    with torch.no_grad():
        module.norm.running_mean.normal_()
        module.norm.running_var.uniform_(0.5, 2)
        module.norm.weight.normal_()
        module.norm.bias.normal_()
    return module


@pytest.mark.parametrize(
    ("channels", "count"), [(64, 1_688), (256, 6_680), (512, 25_648), (1024, 100_448), (2048, 397_504)]
)
def test_parameter_counts(channels, count):
    assert sum(parameter.numel() for parameter in CoordinateAttention(channels).parameters()) == count


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(3, 64, 13, 17), (3, 64, 1, 1)])
def test_equals_the_second_implementation(shape, training):
    module = attention().train(training)
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    x = torch.randn(shape)

    torch.testing.assert_close(module(x), reference(x, weights, training=training), atol=1e-6, rtol=0)


def test_one_image_alone_is_as_in_a_batch():
    module = attention().eval()
    x = torch.randn(3, 64, 13, 17)

    torch.testing.assert_close(module(x[1:2]), module(x)[1:2], atol=1e-6, rtol=0)
    assert attention().train()(x[:1]).shape == (1, 64, 13, 17)


def test_rows_and_columns_may_be_permuted():
    module = attention().eval()
    x = torch.randn(2, 64, 13, 17)
    rows, columns = torch.randperm(13), torch.randperm(17)

    torch.testing.assert_close(module(x)[:, :, rows][..., columns], module(x[:, :, rows][..., columns]))


def test_output_is_the_input_times_its_two_maps():
    module = attention().eval()
    x = torch.randn(2, 64, 5, 7)
    along_height, along_width = module.maps(x)

    assert along_height.shape == (2, 64, 5, 1)
    assert along_width.shape == (2, 64, 1, 7)
    torch.testing.assert_close(module(x), x * along_height * along_width)
