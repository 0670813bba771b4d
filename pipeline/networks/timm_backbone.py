"""A pretrained network of the library timm, by the library's name: pooled features and one logit.

Source: R. Wightman, PyTorch Image Models, doi:10.5281/zenodo.4414861. Its weights are those of the model's own card.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.foundation.params import Params
from pipeline.networks.inputs import ChannelStatistics
from pipeline.networks.torchvision_import import load_torchvision

HUB_FILE = "model.safetensors"
SHOWN_NAMES = 5


class BackboneWeights(Params):
    """The source of a backbone's initial weights."""

    source: Literal["none", "hub", "file"]
    repository: str = Field(default="", description="on the Hugging Face hub, such as timm/resnet18.a1_in1k")
    revision: str = Field(default="", pattern=r"^([0-9a-f]{40})?$", description="commit of that repository")
    file: str = Field(default="", description="safetensors file, relative to the folder the pipeline runs in")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="hash of the file")
    licence: str = Field(default="", description="of the weights, as their card states it")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source == "hub" and not (self.repository and self.revision and self.sha256):
            raise ValueError("source 'hub' needs 'repository', its 'revision' (a commit) and the 'sha256' of the file")
        if self.source == "file" and not (self.file and self.sha256):
            raise ValueError("source 'file' needs 'file' and its 'sha256'")
        return self


class BackboneParams(Params):
    """One entry of `backbones`; null = as for all networks, `image_size_px` null = the size its weights are for."""

    model: str = Field(min_length=1, description="timm's name of the architecture, such as convnext_tiny")
    weights: BackboneWeights
    image_size_px: int | None = Field(default=None, ge=32, le=1024)
    strategy: Literal["frozen", "crossfit", "insample"] | None = None
    trained_on: Literal["other_patients", "unknown"] | None = None
    unfreeze: Literal["none", "last_stage", "all"] = "all"
    head_epochs: int = Field(default=0, ge=0, le=1000, description="epochs in which only the head is trained")
    layer_decay: float = Field(default=1.0, gt=0, le=1, description="factor of the learning rate per stage")
    inference_precision: Literal["float32", "bfloat16"] = "float32"


class TimmBackbone(nn.Module):
    """A model of timm without its classifier, and one linear logit.

    Embedding: the pooled features that its classifier would take, (N, embedding_width). `feature_map` is its last
    output with positions, (N, C, h, w), if `has_feature_map`; a vision transformer has tokens instead.
    """

    def __init__(self, settings: BackboneParams) -> None:
        super().__init__()
        self.settings = settings
        backbone = created(settings)
        self.backbone = backbone
        self.embedding_width = int(backbone.head_hidden_size)
        channels_last = getattr(backbone, "output_fmt", "NCHW") == "NHWC"
        self.feature_map = _ChannelsFirst() if channels_last else nn.Identity()
        self.has_feature_map = not hasattr(backbone, "pos_embed") or channels_last
        self.head = nn.Linear(self.embedding_width, 1)
        self._stage_of = _stages(backbone)
        self._frozen = False

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, embedding_width)."""
        maps = self.feature_map(self.backbone.forward_features(x))
        if isinstance(self.feature_map, _ChannelsFirst):
            maps = maps.permute(0, 2, 3, 1)
        pooled = self.backbone.forward_head(maps, pre_logits=True)
        return self.head(pooled).squeeze(1), pooled

    def begin_epoch(self, number: int) -> None:
        """Freeze what is not trained in epoch `number` (from 1): all but the head first, then by `unfreeze`."""
        last = max(self._stage_of.values())
        first_trained = {"all": 0, "last_stage": last, "none": last + 1}[self.settings.unfreeze]
        if number <= self.settings.head_epochs:
            first_trained = last + 1
        for name, parameter in self.backbone.named_parameters():
            parameter.requires_grad_(self._stage_of[name] >= first_trained)
        self._frozen = first_trained > 0

    def train(self, mode: bool = True) -> Self:
        """As any module's; what is frozen stays in evaluation mode, so that its batch norms do not drift either."""
        super().train(mode)
        for module in self.backbone.modules() if mode and self._frozen else ():
            parameters = list(module.parameters())
            if parameters and not any(parameter.requires_grad for parameter in parameters):
                module.eval()
        return self

    def learning_rate_factor(self, name: str) -> float:
        """The factor of the learning rate of a parameter: `layer_decay` for each stage from the end; the head has 1."""
        stage = self._stage_of.get(name.removeprefix("backbone."))
        return 1.0 if stage is None else self.settings.layer_decay ** (max(self._stage_of.values()) + 1 - stage)


class _ChannelsFirst(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 3, 1, 2)


def _stages(backbone: Any) -> dict[str, int]:
    """The stage of each parameter by timm's own grouping, 0 = stem, and consecutive."""
    from timm.models import group_parameters

    groups = group_parameters(backbone, backbone.group_matcher(coarse=True), reverse=True)
    order = {group: place for place, group in enumerate(sorted(set(groups.values())))}
    return {name: order[groups[name]] for name, _ in backbone.named_parameters()}


@functools.cache
def load_timm() -> ModuleType:
    """The package timm; import it through this function only, since it imports torchvision.

    Raises ImportError if timm is not installed.
    """
    load_torchvision()
    import timm

    return timm


def created(settings: BackboneParams) -> Any:
    """The model of timm without classifier and with random weights, for images of the size it is used at.

    Raises ParamsError if timm does not know the name, or cannot build it for this size.
    """
    size_px = size_of(settings)
    _check_size(settings.model, size_px)
    return _built(settings.model, size_px)


def _built(model: str, size_px: int) -> Any:
    options = {"img_size": size_px} if configuration(model).fixed_input_size else {}
    return load_timm().create_model(model, pretrained=False, num_classes=0, **options)


@functools.cache
def _check_size(model: str, size_px: int) -> None:
    """Build the model and run it on tensors without values: some models check the size of an image only then."""
    configuration(model)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"), torch.inference_mode():
            _built(model, size_px).eval()(torch.zeros(1, 3, size_px, size_px))
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise ParamsError(
            f"params/embed.yaml: {model} of timm cannot be used on images of {size_px} px ({reason}); change "
            "image_size_px of this backbone"
        ) from error


def configuration(model: str) -> Any:
    """What timm records about the weights of a model: size, mean and SD of its input. Raises ParamsError if the name is
    not known.
    """
    timm = load_timm()
    architecture = model.partition(".")[0]
    if not timm.is_model(architecture):
        stem = architecture.partition("_")[0]
        near = ", ".join(timm.list_models(f"*{stem}*")[:SHOWN_NAMES]) or "see timm.list_models()"
        raise ParamsError(f"params/embed.yaml: timm has no model named {model}; similar names: {near}")
    return timm.get_pretrained_cfg(model) or timm.models.PretrainedCfg()


def size_of(settings: BackboneParams) -> int:
    """The side of the input in pixels: as given, or the one that the weights are for. Raises ParamsError as
    `configuration`.
    """
    return settings.image_size_px or int(configuration(settings.model).input_size[-1])


def statistics_of(settings: BackboneParams) -> ChannelStatistics:
    """Mean and SD of the channels, on a scale of 0 to 1, that the weights are for."""
    found = configuration(settings.model)
    return ChannelStatistics(mean=tuple(found.mean), sd=tuple(found.std))


def adapted(weights: Mapping[str, Tensor], settings: BackboneParams) -> dict[str, Tensor]:
    """A file of timm's weights under the names of `TimmBackbone`: without its classifier, and with the positions of a
    vision transformer resampled to the size of the images.
    """
    found = configuration(settings.model)
    classifiers = (found.classifier,) if isinstance(found.classifier, str) else tuple(found.classifier or ())
    kept = {key: v for key, v in weights.items() if not any(key.startswith(f"{name}.") for name in classifiers)}
    if "pos_embed" in kept and kept["pos_embed"].ndim == 3:
        model: Any = created(settings)
        if model.pos_embed.shape != kept["pos_embed"].shape:
            from timm.layers import resample_abs_pos_embed

            kept["pos_embed"] = resample_abs_pos_embed(
                kept["pos_embed"],
                new_size=list(model.patch_embed.grid_size),
                num_prefix_tokens=0 if getattr(model, "no_embed_class", False) else model.num_prefix_tokens,
            )
    return {f"backbone.{key}": value for key, value in kept.items()}


def hub_file(weights: BackboneWeights) -> Path:
    """The file of weights of a revision on the hub, downloaded once. Raises PipelineError if it can neither be found
    nor downloaded.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(weights.repository, HUB_FILE, revision=weights.revision))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise PipelineError(
            f"weights of {weights.repository} could not be downloaded ({reason}); if offline, fetch "
            f"https://huggingface.co/{weights.repository}/resolve/{weights.revision}/{HUB_FILE} on another machine, "
            "put it beside the project, and set weights to {source: file, file: …, sha256: …}"
        ) from error


def bfloat16_effect(reference: NDArray[np.float32], rounded: NDArray[np.float32]) -> float:
    """How far embeddings (n, E) computed in bfloat16 are from those in float32: the largest 1 - cosine similarity."""
    exact, other = (torch.from_numpy(one).double() for one in (reference, rounded))
    return float((1 - nn.functional.cosine_similarity(exact, other, dim=1)).clamp(min=0).max())
