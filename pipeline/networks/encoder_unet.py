"""U-Net with a pretrained encoder, from the library segmentation_models_pytorch: the modern baseline.

Source: P. Iakubovskii, Segmentation Models Pytorch, 2019. Encoders named `tu-…` are models of timm. Nothing is
downloaded: the weights of the encoder come from a file whose hash is stated, or are random.
"""

import functools
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.foundation.errors import ParamsError
from pipeline.networks.inputs import IMAGENET, ChannelStatistics
from pipeline.networks.params import SIDE_DIVISOR, EncoderWeights
from pipeline.networks.timm_backbone import configuration
from pipeline.networks.torchvision_import import load_torchvision
from pipeline.networks.unet import MaskOutput
from pipeline.networks.weights import file_weights, load_weights

TRIAL_PX = 2 * SIDE_DIVISOR
OF_TIMM = "tu-"
# Layers after the last feature map, in files of timm and torchvision: an encoder has none of them.
NO_HEAD = "no weight begins so"
AFTER_MAPS = ("conv_head.", "bn2.", "classifier.", "head.", "fc.", "norm_head.")


@functools.cache
def load_smp() -> ModuleType:
    """The package segmentation_models_pytorch; import it through this function only, since it imports torchvision.

    Raises ImportError if it is not installed.
    """
    load_torchvision()
    import segmentation_models_pytorch

    return segmentation_models_pytorch


class EncoderUNet(nn.Module):
    """A U-Net of segmentation_models_pytorch with the encoder of that name and one logit per pixel.

    Raises ParamsError if neither library knows the name, or the model of that name cannot be an encoder; PipelineError
    if the file of weights is missing, has another hash or does not fit the encoder.
    """

    def __init__(self, *, encoder: str, weights: EncoderWeights) -> None:
        super().__init__()
        self.network = _built(encoder)
        if weights.source == "file":
            given = file_weights(Path(weights.file), sha256=weights.sha256)
            _load_encoder(self.network.encoder, given, place=weights.file)

    def forward(self, x: Tensor) -> MaskOutput:
        """Images (N, 3, H, W), sides divisible by 32, to logits of the nodule (N, 1, H, W)."""
        return MaskOutput(nodule=self.network(x))


def statistics_of_encoder(encoder: str) -> ChannelStatistics:
    """Mean and SD of the channels, on a scale of 0 to 1, that pretrained weights of this encoder are for: as timm
    records them, and ImageNet's for other encoders.
    """
    if not encoder.startswith(OF_TIMM):
        return IMAGENET
    found = configuration(encoder.removeprefix(OF_TIMM))
    return ChannelStatistics(mean=tuple(found.mean), sd=tuple(found.std))


def _built(encoder: str) -> Any:
    """The network of the library, run once on a small image: some models fail, or check the size, only then."""
    try:
        network = load_smp().Unet(encoder, encoder_weights=None, in_channels=3, classes=1)
        with torch.no_grad():  # a tensor that a model keeps must be usable in its training
            network.eval()(torch.zeros(1, 3, TRIAL_PX, TRIAL_PX))
        return network.train()
    except (AssertionError, AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        # Of a long list of names only the heading is kept.
        reason = str(error).partition("\n")[0].partition(", supported")[0].strip("'\".") or type(error).__name__
        raise ParamsError(
            f"encoder ({encoder}) cannot be used for segmentation ({reason}); write the name of an encoder of "
            f"segmentation_models_pytorch, such as resnet34, or {OF_TIMM} and the name of a convolutional model of timm"
        ) from error


def _load_encoder(encoder: nn.Module, given: dict[str, Tensor], *, place: str) -> None:
    """Load a file of timm's or torchvision's weights without what follows the last feature map, all or nothing.

    Raises PipelineError that lists what is missing, unexpected or of another shape.
    """
    inner = getattr(encoder, "model", encoder)  # a model of timm is wrapped
    own = inner.state_dict()
    kept = {key: value for key, value in given.items() if key in own or not key.startswith(AFTER_MAPS)}
    load_weights(inner, kept, place=place, head=NO_HEAD)
