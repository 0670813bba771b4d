"""Every registered network: what it must give, with which weights it counts as trained."""

import pytest
import torch

from pipeline.networks.carnet import CarNetParams
from pipeline.networks.densenet import DenseNet121Params
from pipeline.networks.registry import ARCHITECTURES, build_network, is_fully_trained
from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_operators import load_torchvision
from pipeline.networks.vit import VitParams
from pipeline.networks.weights import load_weights

NONE = {"source": "none"}
TORCHVISION = {"source": "torchvision", "name": "IMAGENET1K_V1"}
FILE = {"source": "file", "file": "a.safetensors", "sha256": "0" * 64}


def settings(name, weights=NONE):
    plain = {name: lambda: NetworkParams(weights=weights) for name in ("alexnet", "inception3", "resnet50")}
    return {
        **plain,
        "vit": lambda: VitParams(weights=weights, image_size_px=32),
        "densenet121": lambda: DenseNet121Params(layer="gap1024", weights=weights),
        "carnet": lambda: CarNetParams(depth=18, ca_reduction=32, ca_stages=(4,), weights=weights),
    }[name]()


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_network_gives_a_logit_and_an_embedding(name):
    network = build_network(ARCHITECTURES[name], settings(name))
    side = max(32, ARCHITECTURES[name].least_size_px)
    logits, embeddings = network(torch.randn(2, 3, side, side))

    assert logits.shape == (2,)
    assert embeddings.shape == (2, network.embedding_width)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_same_generator_state_gives_the_same_network(name):
    first, second = ({}, {})
    for found in (first, second):
        torch.manual_seed(5)
        found.update(build_network(ARCHITECTURES[name], settings(name)).state_dict())

    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"carnet"}))
def test_torchvisions_weights_fit_whole_and_their_head_of_1000_classes_is_left_out(name):
    own = settings(name)
    architecture = ARCHITECTURES[name]
    size = {"image_size": 64} if name == "vit" else {"init_weights": False} if name == "inception3" else {}
    given = load_torchvision().models.get_model(architecture.torchvision_name(own), weights=None, **size).state_dict()
    network = build_network(architecture, own)
    before = {key: value.clone() for key, value in network.state_dict().items()}

    adapted = architecture.adapt(given, own)
    assert not load_weights(network, adapted, place=name, head=architecture.head)
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key] if key.startswith(architecture.head) else adapted[key]), key


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_the_head_is_the_last_layer_and_nothing_else(name):
    network = build_network(ARCHITECTURES[name], settings(name))
    head = [key for key in network.state_dict() if key.startswith(ARCHITECTURES[name].head)]

    assert len(head) == 2  # weight and bias
    assert network.state_dict()[next(key for key in head if key.endswith("weight"))].shape == (
        1,
        1024 if name == "densenet121" else network.embedding_width,
    )


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
