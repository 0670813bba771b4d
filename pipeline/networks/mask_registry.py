"""The registry of segmentation networks: a new one is a new file and one entry here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from pydantic import Field
from torch import nn

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import Params
from pipeline.networks.encoder_unet import SIDE_DIVISOR, EncoderUNet, EncoderWeights
from pipeline.networks.mtnet import MtNet
from pipeline.networks.trfe import TrfeNet, TrfeNet1, TrfeNet2
from pipeline.networks.trfeplus import Fusion, TrfePlus
from pipeline.networks.unet import LEVELS, UNet


class MaskNetworkParams(Params):
    """The settings of the segmentation networks."""

    width: int = Field(ge=4, le=256, multiple_of=4, description="channels of the first map: 64 = published, 16 = CPU")
    arpg_fusion: Fusion = Field(default="add", description="of trfeplus; add = as the published code does")
    dropout: float = Field(default=0.5, ge=0, lt=1, description="probability, in the scale head of trfeplus")
    encoder: str = Field(default="resnet34", min_length=1, description="of encoder_unet; tu-… is a model of timm")
    encoder_weights: EncoderWeights = EncoderWeights(source="none")


Builder = Callable[[MaskNetworkParams], nn.Module]

# Their `forward` takes images (N, 3, S, S) and returns a MaskOutput.
BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "unet": lambda params: UNet(width=params.width),
        "mtnet": lambda params: MtNet(width=params.width),
        "trfe": lambda params: TrfeNet(width=params.width),
        "trfe1": lambda params: TrfeNet1(width=params.width),
        "trfe2": lambda params: TrfeNet2(width=params.width),
        "trfeplus": lambda params: TrfePlus(width=params.width, fusion=params.arpg_fusion, dropout=params.dropout),
        "encoder_unet": lambda params: EncoderUNet(encoder=params.encoder, weights=params.encoder_weights),
    }
)
MASK_NETWORKS = tuple(BUILDERS)
NEEDS_GLAND = frozenset({"mtnet", "trfe", "trfe1", "trfe2", "trfeplus"})


def build_mask_network(name: str, *, params: MaskNetworkParams) -> nn.Module:
    """A segmentation network with its initial weights, drawn from torch's generator; an encoder's from their file.

    Raises ParamsError for an unknown name, and as `EncoderUNet`.
    """
    _check_name(name)
    return BUILDERS[name](params)


def check_size(name: str, *, size_px: int) -> None:
    """Raise ParamsError if a network cannot take square images of this side, or its name is unknown."""
    _check_name(name)
    divisor = SIDE_DIVISOR if name == "encoder_unet" else 2 ** (LEVELS - 1)
    if size_px < divisor or size_px % divisor:
        nearest = max(divisor, round(size_px / divisor) * divisor)
        raise ParamsError(
            f"image_size_px ({size_px}) must be divisible by {divisor}, since {name} halves the side "
            f"{divisor.bit_length() - 1} times; set it to {nearest}"
        )


def _check_name(name: str) -> None:
    if name not in BUILDERS:
        raise ParamsError(f"there is no segmentation network {name}; allowed are {', '.join(MASK_NETWORKS)}")
