"""Which networks exist: a new one is a file of its own and one entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from pipeline.networks import alexnet, carnet, densenet, inception3, resnet50, vit
from pipeline.networks.weights import WeightsParams, file_weights, load_weights, torchvision_weights


def _as_given(weights: Mapping[str, Tensor], _: Any) -> Mapping[str, Tensor]:
    return weights


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How to build a network from its settings.

    `build(settings)` gives a module whose `forward` takes images (N, 3, S, S) and returns logits (N,) and embeddings
    (N, embedding_width). `torchvision_name(settings)` names torchvision's network with the same layers, and
    `adapt(weights, settings)` makes torchvision's weights fit; a weight whose name contains one of `new_parts` is not
    among them. Names of the last layer's weights start with `head`. `last_features` names the layer whose output
    (N, C, h, w) is the last that still has a place in the image; None where there is none.
    """

    build: Callable[[Any], nn.Module]
    torchvision_name: Callable[[Any], str]
    head: str
    last_features: str | None
    least_size_px: int = 32
    has_attention: bool = False  # coordinate attention, whose maps can be drawn
    new_parts: tuple[str, ...] = ()
    adapt: Callable[[Mapping[str, Tensor], Any], Mapping[str, Tensor]] = _as_given


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "alexnet": Architecture(
            build=alexnet.AlexNet,
            torchvision_name=lambda _: "alexnet",
            head="classifier.6.",
            last_features="features",
            least_size_px=alexnet.LEAST_SIZE_PX,
        ),
        "carnet": Architecture(
            build=carnet.CarNet,
            torchvision_name=carnet.torchvision_name,
            head="fc.",
            last_features="layer4",
            has_attention=True,
            new_parts=(".attention.",),
        ),
        "densenet121": Architecture(
            build=densenet.DenseNet121,
            torchvision_name=lambda _: "densenet121",
            head="classifier.",
            last_features="features.norm5",
        ),
        "inception3": Architecture(
            build=inception3.InceptionV3,
            torchvision_name=lambda _: "inception_v3",
            head="fc.",
            last_features="Mixed_7c",
            least_size_px=inception3.LEAST_SIZE_PX,
            adapt=inception3.without_second_head,
        ),
        "resnet50": Architecture(
            build=resnet50.ResNet50, torchvision_name=lambda _: "resnet50", head="fc.", last_features="layer4"
        ),
        "vit": Architecture(
            build=vit.VitB16,
            torchvision_name=lambda _: "vit_b_16",
            head="heads.",
            last_features=None,  # its places are tokens, not a map
            adapt=vit.resized_positions,
        ),
    }
)


def build_network(architecture: Architecture, settings: Any) -> nn.Module:
    """A network with its first weights: random (drawn from torch's generator), then those of `settings.weights`."""
    network = architecture.build(settings)
    weights: WeightsParams = settings.weights
    if weights.source == "torchvision":
        name = architecture.torchvision_name(settings)
        given = architecture.adapt(torchvision_weights(name, weights.name), settings)
        place = f"{name} {weights.name}"
        load_weights(network, given, place=place, head=architecture.head, new_parts=architecture.new_parts)
    elif weights.source == "file":
        given = architecture.adapt(file_weights(Path(weights.file), sha256=weights.sha256), settings)
        load_weights(network, given, place=weights.file, head=architecture.head)
    return network


def is_fully_trained(architecture: Architecture, settings: Any) -> bool:
    """Whether the embedding of a network with these weights needs no training: no part of it is random."""
    source = settings.weights.source
    return source == "file" or (source == "torchvision" and not architecture.new_parts)
