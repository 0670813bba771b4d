"""MTNet: nodule and gland segmented by two U-Net decoders on one encoder; the base of the networks with a prior.

Source: Gong et al., Multi-Task Learning for Thyroid Nodule Segmentation with Thyroid Region Prior, ISBI 2021.
"""

from torch import Tensor, nn

from pipeline.networks.unet import Coupling, MaskOutput, Norm, UNetDecoder, UNetEncoder


def xavier_initialise(network: nn.Module) -> None:
    """Xavier-normal weights and zero biases in all convolutions but those that double the side, as published."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class MtNet(nn.Module):
    """One encoder, a decoder for the gland and a decoder for the nodule; in MTNet itself neither acts on the other.

    A network with a prior overrides `coupling`, through which the gland acts on the decoder of the nodule.
    """

    def __init__(self, *, width: int, norm: Norm = nn.BatchNorm2d, xavier: bool = True) -> None:
        super().__init__()
        self.encoder = UNetEncoder(width=width, norm=norm)
        self.gland_decoder = UNetDecoder(width=width, norm=norm)
        self.gland_head: nn.Module = nn.Conv2d(width, 1, kernel_size=1)
        self.nodule_decoder = UNetDecoder(width=width, norm=norm)
        self.nodule_head: nn.Module = nn.Conv2d(width, 1, kernel_size=1)
        if xavier:
            xavier_initialise(self)

    def coupling(self, gland_maps: list[Tensor], gland: Tensor) -> Coupling | None:
        """How the gland changes the nodule's maps: its maps (N, C, h, w) of the four steps, and its logits
        (N, 1, H, W). None: not at all.
        """
        del gland_maps, gland
        return None

    def forward(self, x: Tensor) -> MaskOutput:
        """Images (N, 3, H, W), sides divisible by 16, to logits of nodule and gland, (N, 1, H, W) each."""
        return self.decoded(self.encoder(x))

    def decoded(self, maps: list[Tensor]) -> MaskOutput:
        """Logits of nodule and gland, (N, 1, H, W) each, from the five maps of the encoder."""
        gland_maps = self.gland_decoder(maps)
        gland = self.gland_head(gland_maps[-1])
        nodule_maps = self.nodule_decoder(maps, coupling=self.coupling(gland_maps, gland))
        return MaskOutput(nodule=self.nodule_head(nodule_maps[-1]), gland=gland)
