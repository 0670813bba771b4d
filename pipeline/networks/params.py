"""The settings of network inputs and of segmentation networks. This file imports no torch, so that a stage can read its
params without that import.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import Params

LEVELS = 5  # feature maps of the encoder of a U-Net, at 1, 1/2, 1/4, 1/8 and 1/16 of the side
SIDE_DIVISOR = 32  # a pretrained encoder halves the side five times
Fusion = Literal["add", "mul", "residual_mul"]
MASK_NETWORKS = ("unet", "mtnet", "trfe", "trfe1", "trfe2", "trfeplus", "encoder_unet")
NEEDS_GLAND = frozenset({"mtnet", "trfe", "trfe1", "trfe2", "trfeplus"})


class GreyWindow(Params):
    """Grey values mapped to black and to white, in the units of the image (HU for CT)."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self


class InputParams(Params):
    """How the input of a network is cropped from an ROI."""

    image_size_px: int = Field(ge=32, le=1024, description="side of the square input")
    margin_px: int = Field(ge=0, le=512, description="margin around the mask's bounding box")
    resize: Literal["pad", "stretch"]
    slice_rule: Literal["largest", "neighbours"]
    window: GreyWindow | None
    normalise: Literal["auto", "imagenet", "image"]


class EncoderWeights(Params):
    """The source of an encoder's initial weights."""

    source: Literal["none", "file"]
    file: str = Field(default="", description="safetensors file, relative to the folder the pipeline runs in")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="hash of that file")
    trained_on: Literal["other_patients", "unknown"] = Field(default="unknown", description="the patients of the file")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source == "file" and not (self.file and self.sha256):
            raise ValueError("source 'file' needs 'file' and its 'sha256'")
        return self


class MaskNetworkParams(Params):
    """The settings of the segmentation networks."""

    width: int = Field(ge=4, le=256, multiple_of=4, description="channels of the first map: 64 = published, 16 = CPU")
    arpg_fusion: Fusion = Field(default="add", description="of trfeplus; add = as the published code does")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="probability, in the scale head of trfeplus")
    encoder: str = Field(default="resnet34", min_length=1, description="of encoder_unet; tu-… is a model of timm")
    encoder_weights: EncoderWeights = EncoderWeights(source="none")


def check_size(name: str, *, size_px: int) -> None:
    """Raise ParamsError if a network cannot take square images of this side, or its name is unknown."""
    check_name(name)
    divisor = SIDE_DIVISOR if name == "encoder_unet" else 2 ** (LEVELS - 1)
    if size_px < divisor or size_px % divisor:
        nearest = max(divisor, round(size_px / divisor) * divisor)
        raise ParamsError(
            f"image_size_px ({size_px}) must be divisible by {divisor}, since {name} halves the side "
            f"{divisor.bit_length() - 1} times; set it to {nearest}"
        )


def check_name(name: str) -> None:
    """Raise ParamsError if there is no segmentation network of this name."""
    if name not in MASK_NETWORKS:
        raise ParamsError(f"there is no segmentation network {name}; allowed are {', '.join(MASK_NETWORKS)}")
