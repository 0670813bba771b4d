"""Coordinate attention: two one-dimensional attention maps, along height and along width."""

import torch
from torch import Tensor, nn


class CoordinateAttention(nn.Module):
    """Weights a feature map by a map along its height and a map along its width.

    The map is averaged along each axis; both profiles share one 1×1 convolution to m = max(8, channels // reduction)
    channels, batch norm and h-swish; a 1×1 convolution and a sigmoid per axis turn them into the two attention maps,
    which multiply the input. Source: Hou et al., Coordinate Attention for Efficient Mobile Network Design, CVPR 2021.
    """

    def __init__(self, channels: int, *, reduction: int = 32) -> None:
        super().__init__()
        middle = max(8, channels // reduction)
        self.shared = nn.Conv2d(channels, middle, kernel_size=1)
        self.norm = nn.BatchNorm2d(middle)
        self.activation = nn.Hardswish()  # x · ReLU6(x + 3) / 6
        self.along_height = nn.Conv2d(middle, channels, kernel_size=1)
        self.along_width = nn.Conv2d(middle, channels, kernel_size=1)

    def maps(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The attention maps of x (N, C, H, W): along height (N, C, H, 1) and along width (N, C, 1, W), in (0, 1)."""
        height, width = x.shape[2], x.shape[3]
        rows = x.mean(dim=3, keepdim=True)  # (N, C, H, 1)
        columns = x.mean(dim=2, keepdim=True).transpose(2, 3)  # (N, C, W, 1)
        joint = self.activation(self.norm(self.shared(torch.cat([rows, columns], dim=2))))  # (N, m, H + W, 1)
        rows, columns = joint.split([height, width], dim=2)
        return self.along_height(rows).sigmoid(), self.along_width(columns.transpose(2, 3)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) times both attention maps; the shape is unchanged."""
        along_height, along_width = self.maps(x)
        return x * along_width * along_height
