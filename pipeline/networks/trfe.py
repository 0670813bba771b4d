"""TRFE-Net: the gland guides the decoder of the nodule, by its probability or by its feature maps.

The layers of the published code that its forward pass never uses are not built (3.3 million weights).
Source: Gong et al., Multi-Task Learning for Thyroid Nodule Segmentation with Thyroid Region Prior, ISBI 2021.
"""

import torch
from torch import Tensor, nn

from pipeline.networks.mtnet import MtNet, xavier_initialise
from pipeline.networks.params import LEVELS
from pipeline.networks.unet import Coupling, DoubleConv


def halved_masks(mask: Tensor) -> list[Tensor]:
    """A mask (N, 1, H, W) at 1/8, 1/4 and 1/2 of its side, in this order: the first of every two rows and columns, as
    repeated nearest interpolation gives.
    """
    half = mask[..., ::2, ::2]
    quarter = half[..., ::2, ::2]
    return [quarter[..., ::2, ::2], quarter, half]


class TrfeNet(MtNet):
    """Maps of the nodule's decoder are weighted by 1 + the probability of gland at 1/8, 1/4 and 1/2 of the side.

    The gradient of the nodule's loss reaches the gland's decoder through that probability.
    """

    def coupling(self, gland_maps: list[Tensor], gland: Tensor) -> Coupling | None:
        """See MtNet."""
        del gland_maps
        masks = halved_masks(gland.sigmoid())
        return lambda step, x: x + x * masks[step]  # (N, C, h, w) times (N, 1, h, w)


class TrfeNet1(MtNet):
    """Maps of the nodule's decoder are weighted by 1 + those of the gland's decoder, channel by channel."""

    def coupling(self, gland_maps: list[Tensor], gland: Tensor) -> Coupling | None:
        """See MtNet."""
        del gland
        return lambda step, x: x + x * gland_maps[step]


class TrfeNet2(MtNet):
    """To maps of the nodule's decoder, two 1×1 convolutions of these and the gland's maps are added."""

    def __init__(self, *, width: int) -> None:
        super().__init__(width=width)
        # Of 8, 4 and 2 times width channels.
        self.fusions = nn.ModuleList(
            DoubleConv(2 * channels, channels, norm=nn.BatchNorm2d, kernel_px=1)
            for channels in (width * 2**level for level in range(LEVELS - 2, 0, -1))
        )
        xavier_initialise(self.fusions)

    def coupling(self, gland_maps: list[Tensor], gland: Tensor) -> Coupling | None:
        """See MtNet."""
        del gland
        return lambda step, x: x + self.fusions[step](torch.cat([x, gland_maps[step]], dim=1))
