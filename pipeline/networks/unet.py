"""U-Net, and the parts that the multi-task networks with a thyroid prior share with it.

Source: Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015; padded
convolutions and batch norm as in TRFE-Net (Gong et al., ISBI 2021), whose parameter count it has at width 64.
"""

import itertools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from pipeline.networks.params import LEVELS

MAX_GROUPS = 32  # of a group norm

Norm = Callable[[int], nn.Module]
Coupling = Callable[[int, Tensor], Tensor]


class MaskOutput(NamedTuple):
    """What a segmentation network returns: logits of the two masks, and the predicted area of the nodule."""

    nodule: Tensor  # logits (N, 1, H, W)
    gland: Tensor | None = None  # logits (N, 1, H, W)
    scale: Tensor | None = None  # area of the nodule as a fraction of the image (N,), after the sigmoid


def group_norm(channels: int) -> nn.GroupNorm:
    """Group norm with 32 groups, as published for 64 channels and more; fewer groups if there are fewer channels.

    A group has two channels or more (two is the published minimum), since a group of one would erase the mean of its
    channel; the number of groups is the largest power of two that divides half the channels.
    """
    return nn.GroupNorm(math.gcd(MAX_GROUPS, channels // 2), channels)


class DoubleConv(nn.Sequential):
    """Twice: convolution (3×3 with padding, or 1×1), norm, ReLU; (N, C_in, H, W) to (N, C, H, W)."""

    def __init__(self, channels_in: int, channels: int, *, norm: Norm, kernel_px: int = 3) -> None:
        layers: list[nn.Module] = []
        for given in (channels_in, channels):
            convolution = nn.Conv2d(given, channels, kernel_px, padding=kernel_px // 2)
            layers += [convolution, norm(channels), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class UNetEncoder(nn.Module):
    """Five double convolutions, each of twice the channels of the one before, with 2×2 maximum pooling between them."""

    def __init__(self, *, width: int, norm: Norm) -> None:
        super().__init__()
        channels = [3, *(width * 2**level for level in range(LEVELS))]
        pairs = itertools.pairwise(channels)
        self.levels = nn.ModuleList(DoubleConv(given, own, norm=norm) for given, own in pairs)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Images (N, 3, H, W) to maps from (N, width, H, W) to (N, 16 width, H/16, W/16)."""
        maps = [self.levels[0](x)]
        for level in self.levels[1:]:
            maps.append(level(self.pool(maps[-1])))
        return maps


class DecoderStep(nn.Module):
    """Twice the side and half the channels, joined with the map of the encoder at that side."""

    def __init__(self, channels_in: int, *, norm: Norm) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(channels_in, channels_in // 2, kernel_size=2, stride=2)
        self.convolutions = DoubleConv(channels_in, channels_in // 2, norm=norm)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Maps (N, C, H, W) and (N, C/2, 2H, 2W) to (N, C/2, 2H, 2W)."""
        joined: Tensor = self.convolutions(torch.cat([self.up(x), skip], dim=1))
        return joined


class UNetDecoder(nn.Module):
    """Four decoder steps, from 16 width channels to width."""

    def __init__(self, *, width: int, norm: Norm) -> None:
        super().__init__()
        self.steps = nn.ModuleList(DecoderStep(width * 2**level, norm=norm) for level in range(LEVELS - 1, 0, -1))

    def forward(self, maps: list[Tensor], *, coupling: Coupling | None = None) -> list[Tensor]:
        """Maps of the encoder to (N, 8 width, H/8, W/8), (N, 4 width, H/4, W/4), (N, 2 width, H/2, W/2) and (N, width,
        H, W).

        `coupling(number, map)`: changes the result of step `number` (0, 1 or 2) before the next; the last is unchanged.
        """
        x, found = maps[-1], []
        for number, (step, skip) in enumerate(zip(self.steps, reversed(maps[:-1]), strict=True)):
            x = step(x, skip)
            if coupling is not None and number < len(self.steps) - 1:
                x = coupling(number, x)
            found.append(x)
        return found


class UNet(nn.Module):
    """A U-Net with batch norm and one logit per pixel."""

    def __init__(self, *, width: int) -> None:
        super().__init__()
        self.encoder = UNetEncoder(width=width, norm=nn.BatchNorm2d)
        self.decoder = UNetDecoder(width=width, norm=nn.BatchNorm2d)
        self.head = nn.Conv2d(width, 1, kernel_size=1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # those that double the side keep torch's initial weights, as published
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> MaskOutput:
        """Images (N, 3, H, W), sides divisible by 16, to logits of the nodule (N, 1, H, W)."""
        return MaskOutput(nodule=self.head(self.decoder(self.encoder(x))[-1]))
