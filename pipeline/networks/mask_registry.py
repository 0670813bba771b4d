"""The registry of segmentation networks: a new one is a new file and one entry here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from pipeline.networks.encoder_unet import EncoderUNet
from pipeline.networks.mtnet import MtNet
from pipeline.networks.params import MaskNetworkParams, check_name
from pipeline.networks.trfe import TrfeNet, TrfeNet1, TrfeNet2
from pipeline.networks.trfeplus import TrfePlus
from pipeline.networks.unet import UNet

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


def build_mask_network(name: str, *, params: MaskNetworkParams) -> nn.Module:
    """A segmentation network with its initial weights, drawn from torch's generator; an encoder's from their file.

    Raises ParamsError for an unknown name, and as `EncoderUNet`.
    """
    check_name(name)
    return BUILDERS[name](params)
