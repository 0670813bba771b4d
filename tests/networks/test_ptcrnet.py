"""PTCR-Net as one network: both embeddings, one head, no unused weight."""

import pytest
import torch
from places import ROOT

from pipeline.embed.params import EmbedParams
from pipeline.foundation.params import load_params
from pipeline.networks.ptcrnet import PtcrNetParams
from pipeline.networks.registry import build_network

PARAMS = load_params(ROOT / "params" / "embed.yaml", EmbedParams)
NONE = {"source": "none"}


def network():
    torch.manual_seed(1)
    return build_network(PARAMS.network("ptcrnet"))


def test_embedding_is_that_of_both():
    net, x = network().eval(), torch.randn(2, 3, 32, 32)
    logits, embeddings = net(x)

    assert embeddings.shape == (2, net.embedding_width) == (2, 512 + 1280)
    torch.testing.assert_close(embeddings[:, :512], net.carnet(x)[1])
    torch.testing.assert_close(embeddings[:, 512:], net.penet(x)[1])
    torch.testing.assert_close(logits, net.head(embeddings).squeeze(1))


def test_every_weight_learns():
    net = network().train()
    net(torch.randn(4, 3, 32, 32))[0].sum().backward()

    assert [name for name, value in net.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("changes", [{"weights": {"source": "torchvision", "name": "X"}}, {"image_size_px": 64}])
def test_networks_trained_separately_have_their_own_weights_and_sizes(changes):
    with pytest.raises(ValueError, match="carnet and penet"):
        PtcrNetParams.model_validate({"combine": "mean", "weights": NONE} | changes)
