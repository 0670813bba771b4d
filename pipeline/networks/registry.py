"""The registry of networks: a new one is a new file and one entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from pipeline.networks import (
    alexnet,
    carnet,
    densenet,
    dualview,
    inception3,
    penet,
    ptcrnet,
    resnet50,
    timm_backbone,
    vit,
)
from pipeline.networks.weights import file_weights, load_weights, torchvision_weights


def _as_given(weights: Mapping[str, Tensor], _: Any) -> Mapping[str, Tensor]:
    return weights


def _nothing(_: Any) -> tuple[str, ...]:
    return ()


def _no_name(_: Any) -> str:
    msg = "torchvision has no such network"
    raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """How to build a network from its settings.

    `build(settings)` returns a module whose `forward` takes images (N, 3, S, S) and returns logits (N,) and embeddings
    (N, embedding_width). A network composed of other networks, `parts(settings)` by name, is built by `build(settings,
    *makers)`, where each maker builds one of them. One with `has_views` takes views (N, V, 3, S, S) and which of them
    exist (N, V), and also returns the logits and embeddings of each view.
    `torchvision_name(settings)` names torchvision's network with the same layers, and `adapt(weights, settings)` makes
    torchvision's weights fit; a weight whose name contains one of `new_parts(settings)` is not among them. Names of the
    last layer's weights start with `head`. `last_features` names the last layer whose output (N, C, h, w) still has
    positions in the image; None if there is none.
    """

    build: Callable[..., nn.Module]
    head: str
    last_features: str | None
    torchvision_name: Callable[[Any], str] = _no_name
    min_size_px: int = 32
    has_attention: bool = False  # coordinate attention, whose maps can be shown
    has_views: bool = False
    parts: Callable[[Any], tuple[str, ...]] = _nothing
    new_parts: Callable[[Any], tuple[str, ...]] = _nothing
    adapt: Callable[[Mapping[str, Tensor], Any], Mapping[str, Tensor]] = _as_given


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network of the params, ready to be built in any process; `parts` are the networks it is composed of."""

    name: str
    architecture: Architecture
    settings: Any
    parts: tuple["Network", ...] = ()


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        "alexnet": Architecture(
            build=alexnet.AlexNet,
            torchvision_name=lambda _: "alexnet",
            head="classifier.6.",
            last_features="features",
            min_size_px=alexnet.MIN_SIZE_PX,
        ),
        "carnet": Architecture(
            build=carnet.CarNet,
            torchvision_name=carnet.torchvision_name,
            head="fc.",
            last_features="layer4",
            has_attention=True,
            new_parts=lambda _: (".attention.",),
        ),
        "densenet121": Architecture(
            build=densenet.DenseNet121,
            torchvision_name=lambda _: "densenet121",
            head="classifier.",
            last_features="features.norm5",
            new_parts=densenet.new_parts,
        ),
        "dualview": Architecture(
            build=lambda settings, maker: dualview.DualView(settings, make_backbone=maker),
            head="head.",
            last_features=None,  # each view has positions of its own
            has_views=True,
            parts=lambda settings: (settings.backbone,),
        ),
        "inception3": Architecture(
            build=inception3.InceptionV3,
            torchvision_name=lambda _: "inception_v3",
            head="fc.",
            last_features="Mixed_7c",
            min_size_px=inception3.MIN_SIZE_PX,
            adapt=inception3.without_auxiliary_head,
        ),
        "penet": Architecture(
            build=penet.PeNet,
            torchvision_name=lambda _: "efficientnet_v2_s",
            head="classifier.",
            last_features="features",
        ),
        "ptcrnet": Architecture(
            build=ptcrnet.PtcrNet,
            head="head.",
            last_features=None,  # its two networks end in feature maps of their own
            parts=lambda _: ptcrnet.PARTS,
        ),
        "resnet50": Architecture(
            build=resnet50.ResNet50, torchvision_name=lambda _: "resnet50", head="fc.", last_features="layer4"
        ),
        "vit": Architecture(
            build=vit.VitB16,
            torchvision_name=lambda _: "vit_b_16",
            head="heads.",
            last_features=None,  # its positions are tokens, not a feature map
            adapt=vit.resized_positions,
        ),
    }
)

# Of every entry of `backbones`, whatever its name.
TIMM = Architecture(
    build=timm_backbone.TimmBackbone,
    head="head.",
    last_features="feature_map",
    adapt=timm_backbone.adapted,
)


def build_network(network: Network) -> nn.Module:
    """A network with its initial weights: random (drawn from torch's generator), then those of `settings.weights`."""
    architecture, settings = network.architecture, network.settings
    module = architecture.build(settings, *(partial(build_network, part) for part in network.parts))
    weights: Any = settings.weights
    if weights.source == "torchvision":
        name = architecture.torchvision_name(settings)
        given = architecture.adapt(torchvision_weights(name, weights.name), settings)
        new = architecture.new_parts(settings)
        load_weights(module, given, place=f"{name} {weights.name}", head=architecture.head, new_parts=new)
    elif weights.source != "none":
        file = timm_backbone.hub_file(weights) if weights.source == "hub" else Path(weights.file)
        given = architecture.adapt(file_weights(file, sha256=weights.sha256), settings)
        load_weights(module, given, place=str(file), head=architecture.head)
    return module


def is_fully_trained(network: Network) -> bool:
    """Whether the embedding of a network with these weights needs no training: no layer of it is random."""
    source = network.settings.weights.source
    return source in ("file", "hub") or (
        source == "torchvision" and not network.architecture.new_parts(network.settings)
    )


def is_given(network: Network) -> bool:
    """Whether a network, or one it is composed of, starts from given weights."""
    return network.settings.weights.source != "none" or any(is_given(part) for part in network.parts)
