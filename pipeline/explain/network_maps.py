"""Maps of where the saved networks of a study look in the images of some patients."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.contracts.data.split import FINAL
from pipeline.embed.params import EmbedParams
from pipeline.embed.work_plan import normalisation_of, recipe_of
from pipeline.explain.attention_maps import attention_maps
from pipeline.explain.examples import Example
from pipeline.explain.grad_cam import grad_cam
from pipeline.foundation.errors import PipelineError
from pipeline.networks.inputs import normalised, resized
from pipeline.networks.registry import Network, build_network
from pipeline.networks.weights import load_weights, read_tensors
from pipeline.training.device import reproducible

ATTENTION = "coordinate_attention"
Map = NDArray[np.float32]


def network_maps(
    examples: Sequence[Example], *, net: str, kind: str, embed: EmbedParams, folder: Path, seed: int
) -> list[Map | None]:
    """The map (S, S) of each example, the mean over the networks of resample `final`; None if there is none.

    `kind`: grad_cam or coordinate_attention (networks that have it). Member networks (ptcrnet), trained separately
    or jointly, have the mean of their maps; a network of several views has the map of the example's view.

    Those networks were not trained on the test patients. Frozen networks have no trained logit, so they have no map;
    nor has one whose last features have no spatial dimensions (vit), or that fuses its views early.
    Raises PipelineError if no network of `net` has the attention asked for.
    """
    members = embed.members_of(net)
    if kind == ATTENTION and not any(one.architecture.has_attention for m in members for one in (m, *m.parts)):
        raise PipelineError(
            f"params/explain.yaml: {net} has no coordinate attention; set network: carnet, or map: grad_cam"
        )
    found: list[list[Map]] = [[] for _ in examples]
    with reproducible(seed=seed, threads=embed.training.torch_threads, device=torch.device("cpu")):
        for file in sorted(folder.glob(f"{FINAL}_*.safetensors")):
            weights = read_tensors(file)
            for member in members:
                prefix = f"{member.name}." if len(members) > 1 else ""
                own = {key.removeprefix(prefix): v for key, v in weights.items() if key.startswith(prefix)}
                module = build_network(member)
                load_weights(module, own, place=str(file), head=member.architecture.head)
                for place, example in enumerate(examples):
                    images = _input(example, member=member, embed=embed, seed=seed)
                    found[place] += _maps(module, images, network=member, view=example.view, kind=kind)
    sides = [example.lesion.shape[0] for example in examples]
    return [_mean(maps, side_px=side) if maps else None for maps, side in zip(found, sides, strict=True)]


def _input(example: Example, *, member: Network, embed: EmbedParams, seed: int) -> Tensor:
    recipe = recipe_of(embed, net=member.name, seed=seed)
    grey = torch.from_numpy(example.planes.astype(np.float32) / 255)[None]
    grey = resized(grey, size_px=recipe.input.image_size_px)
    return normalised(grey, how=normalisation_of(member, recipe)).contiguous()


def _maps(module: nn.Module, images: Tensor, *, network: Network, view: str, kind: str) -> Iterator[Map]:
    for part, one, layer in _modules(module, network=network, view=view):
        if kind == ATTENTION and one.architecture.has_attention:
            yield attention_maps(part, images)[0]
        elif kind != ATTENTION and layer is not None:
            yield grad_cam(part, images, layer=layer)[0]


def _modules(module: nn.Module, *, network: Network, view: str) -> Iterator[tuple[nn.Module, Network, str | None]]:
    """The modules with a map: a module that takes images, its network, and its last layer with spatial dimensions.

    A branch for a view has a logit of its own; member networks trained jointly (ptcrnet) have the logit of the whole.
    """
    if network.architecture.has_views:
        settings, (backbone,) = network.settings, network.parts
        if settings.mode != "early" and view in settings.views:
            branch = settings.views.index(view) if settings.mode == "two_branch" else 0
            yield module.get_submodule(f"backbones.{branch}"), backbone, backbone.architecture.last_features
    elif network.parts:
        for one in network.parts:
            yield module, one, f"{one.name}.{one.architecture.last_features}"
    else:
        has_map = getattr(module, "has_feature_map", True)  # of a backbone, only its model knows
        yield module, network, network.architecture.last_features if has_map else None


def _mean(maps: Sequence[Map], *, side_px: int) -> Map:
    """The mean of maps of any size, at `side_px`."""
    same = [resized(torch.from_numpy(heat)[None, None], size_px=side_px)[0, 0].numpy() for heat in maps]
    return np.asarray(np.mean(same, axis=0), dtype=np.float32)
