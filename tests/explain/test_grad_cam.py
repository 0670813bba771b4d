"""grad_cam: the map shows the place that raises the logit, and it depends on the weights."""

from itertools import combinations

import numpy as np
import pytest
import torch
from places import ROOT
from torch import nn

from pipeline.embed.params import EmbedParams
from pipeline.explain.grad_cam import grad_cam
from pipeline.foundation.params import load_params
from pipeline.networks.registry import ARCHITECTURES, build_network


class OneSpot(nn.Module):
    """A network whose logit is the brightness of the image, through one convolution that keeps the spatial position."""

    def __init__(self, weight=1.0):
        super().__init__()
        self.features = nn.Conv2d(3, 1, kernel_size=4, stride=4, bias=False)
        nn.init.constant_(self.features.weight, weight)

    def forward(self, x):
        found = self.features(x)
        return found.mean(dim=(1, 2, 3)), found.flatten(1)


def spot():
    """A bright square in the upper left quarter of a dark image."""
    image = torch.zeros(1, 3, 16, 16)
    image[..., 0:4, 0:4] = 1
    return image


def test_map_is_highest_where_the_logit_comes_from():
    heat = grad_cam(OneSpot(), spot(), layer="features")[0]

    assert heat.shape == (16, 16)
    assert heat.max() == pytest.approx(1)
    assert np.unravel_index(heat.argmax(), heat.shape) == (0, 0)
    assert heat[8:, 8:].max() == 0


def test_what_lowers_the_logit_is_not_shown():
    heat = grad_cam(OneSpot(weight=-1.0), -spot(), layer="features")[0]
    lowered = grad_cam(OneSpot(weight=-1.0), spot(), layer="features")[0]

    assert heat.max() == pytest.approx(1)
    # The convolution's output is negative there, and its gradient positive: their product is set to 0.
    assert lowered.max() == 0


@pytest.mark.parametrize("name", [name for name, one in ARCHITECTURES.items() if one.last_features])
def test_different_weights_give_different_maps(name):
    """Randomisation check (Adebayo et al., NeurIPS 2018): a map that ignores the weights explains nothing."""
    params, architecture = load_params(ROOT / "params" / "embed.yaml", EmbedParams), ARCHITECTURES[name]
    image = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    maps = []
    for seed in range(4):  # some are 0 everywhere: nothing in the image raises their logit
        torch.manual_seed(seed)
        network = build_network(params.network(name))
        maps.append(grad_cam(network, image, layer=architecture.last_features)[0])

    assert max(np.abs(one - other).max() for one, other in combinations(maps, 2)) > 0.2


def test_an_absent_layer_is_named():
    with pytest.raises(ValueError, match=r"layer \(stem\) is not a module of the network"):
        grad_cam(OneSpot(), spot(), layer="stem")
