"""Every registered network: what it must give, with which weights it counts as trained."""

import pytest
import torch

from pipeline.networks.carnet import CarNetParams
from pipeline.networks.densenet import DenseNet121Params
from pipeline.networks.registry import ARCHITECTURES, build_network, is_fully_trained

NONE = {"source": "none"}
TORCHVISION = {"source": "torchvision", "name": "IMAGENET1K_V1"}
FILE = {"source": "file", "file": "a.safetensors", "sha256": "0" * 64}


def settings(name, weights=NONE):
    return {
        "densenet121": lambda: DenseNet121Params(layer="gap1024", weights=weights),
        "carnet": lambda: CarNetParams(depth=18, ca_reduction=32, ca_stages=(4,), weights=weights),
    }[name]()


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_network_gives_a_logit_and_an_embedding(name):
    network = build_network(ARCHITECTURES[name], settings(name))
    logits, embeddings = network(torch.randn(2, 3, 40, 32))

    assert logits.shape == (2,)
    assert embeddings.shape == (2, network.embedding_width)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_same_generator_state_gives_the_same_network(name):
    first, second = ({}, {})
    for found in (first, second):
        torch.manual_seed(5)
        found.update(build_network(ARCHITECTURES[name], settings(name)).state_dict())

    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(
    ("name", "weights", "trained"),
    [
        ("densenet121", NONE, False),
        ("densenet121", TORCHVISION, True),
        ("densenet121", FILE, True),
        ("carnet", NONE, False),
        ("carnet", TORCHVISION, False),  # torchvision has no weights for its attention
        ("carnet", FILE, True),
    ],
)
def test_random_parts_are_not_trained(name, weights, trained):
    assert is_fully_trained(ARCHITECTURES[name], settings(name, weights)) is trained
