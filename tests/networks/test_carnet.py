"""CAR-Net: torchvision's residual network once the attention is removed, and attention in the chosen stages only."""

import pytest
import torch
from torch import nn

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params
from pipeline.networks.carnet import AttentiveBlock, CarNet, CarNetParams, torchvision_name
from pipeline.networks.coordinate_attention import CoordinateAttention
from pipeline.networks.torchvision_import import load_torchvision

NONE = {"source": "none"}


def settings(depth=18, stages=(1, 2, 3, 4)):
    return CarNetParams(depth=depth, ca_reduction=32, ca_stages=stages, weights=NONE)


@pytest.mark.parametrize(("depth", "width"), [(18, 512), (34, 512), (50, 2048)])
def test_without_attention_it_is_torchvisions_network(depth, width):
    network = CarNet(settings(depth)).eval()
    for module in network.modules():
        if isinstance(module, AttentiveBlock):
            module.attention = nn.Identity()
    plain = load_torchvision().models.get_model(torchvision_name(settings(depth)), num_classes=1).eval()
    plain.load_state_dict(network.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 48)
    logits, embeddings = network(x)

    torch.testing.assert_close(logits, plain(x).squeeze(1), atol=1e-5, rtol=1e-5)
    assert embeddings.shape == (2, width)
    assert network.embedding_width == width


def test_attention_stands_in_the_chosen_stages_only():
    network = CarNet(settings(stages=(2, 4)))
    found = {name.split(".")[0] for name, m in network.named_modules() if isinstance(m, CoordinateAttention)}

    assert found == {"layer2", "layer4"}


def test_attention_acts_before_the_identity_is_added():
    network = CarNet(settings()).eval()
    block = network.layer1[0]
    x = torch.rand(1, 64, 6, 9)
    with torch.no_grad():
        block.attention.along_height.bias.fill_(-1e3)  # closes the gate: nothing of the branch is left

    torch.testing.assert_close(block(x), x)


def test_a_stage_twice_is_one_sentence(tmp_path):
    file = tmp_path / "carnet.yaml"
    file.write_text("{depth: 18, ca_reduction: 32, ca_stages: [1, 1], weights: {source: none}}")
    with pytest.raises(ParamsError, match=r"ca_stages.*names a stage twice"):
        load_params(file, CarNetParams)
