"""TRFE+: TRFE-Net with an adaptive gland prior, group norm, and a prediction of the nodule's size.

Source: Gong et al., Thyroid Region Prior Guided Attention for Ultrasound Segmentation of Thyroid Nodules, Computers in
Biology and Medicine 2023, 155:106389. The attention has the form of Hou et al., CVPR 2021 (coordinate attention).
"""

import math

import torch
from torch import Tensor, nn

from pipeline.networks.mtnet import MtNet
from pipeline.networks.params import LEVELS, Fusion
from pipeline.networks.unet import Coupling, MaskOutput, group_norm

MIN_MIDDLE, REDUCTION, GROUPS = 8, 32, 8  # of the bottleneck of the prior
SLOPE = 0.2  # of its leaky ReLU
HIDDEN = (16, 8)  # layers of the scale head, in widths: 1024 and 512 channels at width 64


class RegionPrior(nn.Module):
    """The adaptive region prior (ARPG): a map from 0 to 1 per channel, the product of a profile along the height and
    one along the width, from the maps of nodule and gland together.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        middle = max(MIN_MIDDLE, 2 * channels // REDUCTION)
        self.shared = nn.Conv2d(2 * channels, middle, kernel_size=1)
        self.norm = nn.GroupNorm(math.gcd(GROUPS, middle), middle)  # 8 groups at the published widths
        self.activation = nn.LeakyReLU(SLOPE)
        self.along_height = nn.Conv2d(middle, channels, kernel_size=1)
        self.along_width = nn.Conv2d(middle, channels, kernel_size=1)

    def forward(self, nodule: Tensor, gland: Tensor) -> Tensor:
        """Maps of nodule and gland, (N, C, h, w) each, to the prior (N, C, h, w)."""
        joined = torch.cat([nodule, gland], dim=1)  # (N, 2C, h, w)
        height, width = joined.shape[2:]
        rows = joined.mean(dim=3, keepdim=True)  # (N, 2C, h, 1)
        columns = joined.mean(dim=2, keepdim=True).transpose(2, 3)  # (N, 2C, w, 1)
        both = self.activation(self.norm(self.shared(torch.cat([rows, columns], dim=2))))  # (N, m, h + w, 1)
        rows, columns = both.split([height, width], dim=2)
        along_width = self.along_width(columns.transpose(2, 3)).sigmoid()  # (N, C, 1, w)
        prior: Tensor = along_width * self.along_height(rows).sigmoid()
        return prior


class ScaleHead(nn.Sequential):
    """Predicts the nodule's area as a fraction of the image from the mean of the deepest map, (N, C) to (N, 1)."""

    def __init__(self, width: int, *, dropout: float) -> None:
        layers: list[nn.Module] = []
        given = width * 2 ** (LEVELS - 1)
        for own in (width * times for times in HIDDEN):
            layers += [nn.Linear(given, own), nn.BatchNorm1d(own), nn.ReLU(inplace=True), nn.Dropout(dropout)]
            given = own
        super().__init__(*layers, nn.Linear(given, 1), nn.Sigmoid())


class TrfePlus(MtNet):
    """MTNet with group norm in which a prior from nodule and gland changes the maps of the nodule's decoder.

    `fusion`: the published code adds the prior (`add`), though the article calls it attention; `mul` multiplies the
    maps by it, `residual_mul` by 1 + it. The scale head has batch norm: in training it needs two images or more.
    """

    def __init__(self, *, width: int, fusion: Fusion, dropout: float) -> None:
        super().__init__(width=width, norm=group_norm, xavier=False)  # torch's own initial weights, as published
        self.fusion = fusion
        channels = [width * 2**level for level in range(LEVELS - 2, 0, -1)]  # 8, 4 and 2 times width
        self.priors = nn.ModuleList(RegionPrior(own) for own in channels)
        self.nodule_head = nn.Sequential(
            nn.Conv2d(width, width // 2, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, width // 2, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // 2, 1, kernel_size=3, padding=1),
        )
        self.scale_head = ScaleHead(width, dropout=dropout)

    def coupling(self, gland_maps: list[Tensor], gland: Tensor) -> Coupling | None:
        """See MtNet."""
        del gland
        return lambda step, x: self.fused(x, self.priors[step](x, gland_maps[step]))

    def fused(self, x: Tensor, prior: Tensor) -> Tensor:
        """The maps x and their prior, (N, C, h, w) each, as one."""
        if self.fusion == "add":
            return x + prior
        return x * prior if self.fusion == "mul" else x + x * prior

    def forward(self, x: Tensor) -> MaskOutput:
        """Images (N, 3, H, W), sides divisible by 16, to logits of nodule and gland, (N, 1, H, W) each, and the area
        (N,) of the nodule as a fraction of the image.
        """
        maps = self.encoder(x)
        return self.decoded(maps)._replace(scale=self.scale_head(maps[-1].mean(dim=(2, 3))).squeeze(1))
