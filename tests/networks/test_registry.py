"""Every registered network: its outputs, and with which weights it counts as trained."""

import copy

import pytest
import torch
from places import ROOT
from tiny_study import training_params

from pipeline.embed.params import EmbedParams
from pipeline.foundation.params import load_params
from pipeline.networks.registry import ARCHITECTURES, build_network, is_fully_trained, is_given
from pipeline.networks.torchvision_import import load_torchvision
from pipeline.networks.weights import WeightsParams, load_weights
from pipeline.training.optimisation import optimiser_of

NONE = {"source": "none"}
TORCHVISION = {"source": "torchvision", "name": "IMAGENET1K_V1"}
FILE = {"source": "file", "file": "a.safetensors", "sha256": "0" * 64}
IN_TORCHVISION = sorted(set(ARCHITECTURES) - {"carnet", "dualview", "ptcrnet"})
PARAMS = load_params(ROOT / "params" / "embed.yaml", EmbedParams)


def network(name, weights=NONE, **changes):
    """The network of the demo's params with other weights; a ViT of 32 px."""
    changes |= {"image_size_px": 32} if name == "vit" else {}
    section = getattr(PARAMS, name).model_copy(update=changes | {"weights": WeightsParams(**weights)})
    return PARAMS.model_copy(update={name: section}).network(name)


def min_px(one):
    return max(32, one.architecture.min_size_px, *(part.architecture.min_size_px for part in one.parts))


def outputs(module, one):
    """Logits and embeddings of two samples of noise."""
    side = min_px(one)
    if one.architecture.has_views:
        return module(torch.randn(2, 2, 3, side, side), torch.ones(2, 2, dtype=torch.bool))[:2]
    return module(torch.randn(2, 3, side, side).contiguous(memory_format=torch.channels_last))


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_network_gives_a_logit_and_an_embedding(name):
    one = network(name)
    module = build_network(one)
    logits, embeddings = outputs(module, one)

    assert logits.shape == (2,)
    assert embeddings.shape == (2, module.embedding_width)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_the_fused_optimiser_updates_each_weight_by_its_own_gradient(name):
    # Its kernel on CPUs ignores strides: a gradient whose layout in memory is not its weight's updates other weights.
    torch.manual_seed(1)
    one = network(name)
    module = build_network(one).to(memory_format=torch.channels_last).train()
    outputs(module, one)[0].sum().backward()
    plain = copy.deepcopy(module)
    for own, other in zip(module.parameters(), plain.parameters(), strict=True):
        other.grad = own.grad
    settings = {"learning_rate": 0.01, "weight_decay": 0.0}
    optimiser_of(module, params=training_params(**settings), device=torch.device("cpu")).step()
    torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.0, foreach=False).step()

    for own, other in zip(module.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_same_generator_state_gives_the_same_network(name):
    first, second = ({}, {})
    for found in (first, second):
        torch.manual_seed(5)
        found.update(build_network(network(name)).state_dict())

    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("name", IN_TORCHVISION)
def test_torchvisions_weights_fit_completely_and_their_head_of_1000_classes_is_skipped(name):
    one = network(name)
    architecture, own = one.architecture, one.settings
    size = {"image_size": 64} if name == "vit" else {"init_weights": False} if name == "inception3" else {}
    given = load_torchvision().models.get_model(architecture.torchvision_name(own), weights=None, **size).state_dict()
    module = build_network(one)
    before = {key: value.clone() for key, value in module.state_dict().items()}

    adapted = architecture.adapt(given, own)
    assert not load_weights(module, adapted, place=name, head=architecture.head)
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key] if key.startswith(architecture.head) else adapted[key]), key


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_the_head_is_the_last_layer_and_nothing_else(name):
    one = network(name)
    module = build_network(one)
    head = [key for key in module.state_dict() if key.startswith(one.architecture.head)]

    assert len(head) == 2  # weight and bias
    assert module.state_dict()[next(key for key in head if key.endswith("weight"))].shape == (
        1,
        1024 if name == "densenet121" else module.embedding_width,
    )


@pytest.mark.parametrize(
    ("name", "weights", "changes", "trained"),
    [
        ("densenet121", NONE, {}, False),
        ("densenet121", TORCHVISION, {}, True),
        ("densenet121", TORCHVISION, {"layer": "bottleneck10"}, False),  # torchvision has no bottleneck
        ("densenet121", FILE, {"layer": "bottleneck10"}, True),
        ("carnet", NONE, {}, False),
        ("carnet", TORCHVISION, {}, False),  # torchvision has no weights for its attention
        ("carnet", FILE, {}, True),
        ("dualview", NONE, {}, False),
        ("dualview", FILE, {}, True),
    ],
)
def test_a_network_with_random_layers_is_not_fully_trained(name, weights, changes, trained):
    assert is_fully_trained(network(name, weights, **changes)) is trained


def test_a_network_composed_of_given_networks_is_given():
    backbone = PARAMS.densenet121.model_copy(update={"weights": WeightsParams(**TORCHVISION)})
    given = PARAMS.model_copy(update={"densenet121": backbone})

    assert is_given(given.network("dualview"))
    assert not is_given(PARAMS.network("dualview"))
