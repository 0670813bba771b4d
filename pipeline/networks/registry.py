"""Which networks exist: a new one is a file of its own and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import nn

from pipeline.networks import carnet, densenet
from pipeline.networks.weights import WeightsParams, file_weights, load_weights, torchvision_weights


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How to build a network from its settings.

    `build(settings)` gives a module whose `forward` takes images (N, 3, S, S) and returns logits (N,) and embeddings
    (N, embedding_width). `torchvision_name(settings)` names torchvision's network with the same layers; a weight whose
    name contains one of `new_parts` is not among torchvision's. `last_features` names the layer whose output
    (N, C, h, w) is the last that still has a place in the image.
    """

    build: Callable[[Any], nn.Module]
    torchvision_name: Callable[[Any], str]
    last_features: str
    new_parts: tuple[str, ...] = ()


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "densenet121": Architecture(
            build=densenet.DenseNet121,
            torchvision_name=densenet.torchvision_name,
            last_features="features.norm5",
        ),
        "carnet": Architecture(
            build=carnet.CarNet,
            torchvision_name=carnet.torchvision_name,
            last_features="layer4",
            new_parts=(".attention.",),
        ),
    }
)


def build_network(architecture: Architecture, settings: Any) -> nn.Module:
    """A network with its first weights: random (drawn from torch's generator), then those of `settings.weights`."""
    network = architecture.build(settings)
    weights: WeightsParams = settings.weights
    if weights.source == "torchvision":
        name = architecture.torchvision_name(settings)
        given = torchvision_weights(name, weights.name)
        load_weights(network, given, place=f"{name} {weights.name}", new_parts=architecture.new_parts)
    elif weights.source == "file":
        load_weights(network, file_weights(Path(weights.file), sha256=weights.sha256), place=weights.file)
    return network


def is_fully_trained(architecture: Architecture, settings: Any) -> bool:
    """Whether the embedding of a network with these weights needs no training: no part of it is random."""
    source = settings.weights.source
    return source == "file" or (source == "torchvision" and not architecture.new_parts)
