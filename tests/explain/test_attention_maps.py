"""attention_maps: the map is that of the last block, it depends on the image, and other networks have none."""

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.explain.attention_maps import attention_maps
from pipeline.networks.carnet import CarNet, CarNetParams
from pipeline.networks.coordinate_attention import CoordinateAttention


def test_map_by_hand():
    """One channel that attends to bright rows and bright columns: the bright corner has the highest product."""
    block = CoordinateAttention(1, reduction=1)
    with torch.no_grad():
        for layer in (block.shared, block.along_height, block.along_width):
            layer.weight.fill_(1.0)
            layer.bias.zero_()
    network = nn.Sequential(block)
    image = torch.zeros(1, 1, 8, 8)
    image[..., :2, :2] = 5.0
    found = attention_maps(network, image)[0]

    assert found.shape == (8, 8)
    assert found[:2, :2].min() == pytest.approx(1)
    assert found[4:, 4:].max() == 0
    assert 0 < found[0, 6] < 1


def test_every_network_with_attention_has_a_map_in_range():
    torch.manual_seed(1)
    network = CarNet(CarNetParams(depth=18, ca_reduction=32, ca_stages=(3, 4), weights={"source": "none"}))
    found = attention_maps(network, torch.randn(2, 3, 64, 64))

    assert found.shape == (2, 64, 64)
    assert found.min() == 0
    assert found.max() == 1
    assert not np.array_equal(found[0], found[1])


def test_a_network_without_attention_is_refused():
    with pytest.raises(ValueError, match="no coordinate attention"):
        attention_maps(nn.Conv2d(3, 1, 1), torch.zeros(1, 3, 8, 8))
