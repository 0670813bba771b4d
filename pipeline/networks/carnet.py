"""CAR-Net: a residual network with coordinate attention on the residual branch of its blocks.

The published description of PTCR-Net names the components but not their position. Here attention follows the last
batch norm of a block, before the identity is added, as squeeze-and-excitation does in SE-ResNet.
Sources: He et al., CVPR 2016; Hou et al., CVPR 2021; layers from torchvision.
"""

from typing import Literal

from pydantic import Field, field_validator
from torch import Tensor, nn

from pipeline.networks.coordinate_attention import CoordinateAttention
from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision


class CarNetParams(NetworkParams):
    """Settings of CAR-Net."""

    depth: Literal[18, 34, 50]
    ca_reduction: int = Field(ge=1, le=256, description="channels divided by this inside the attention, at least 8")
    ca_stages: tuple[Literal[1, 2, 3, 4], ...] = Field(min_length=1, description="stages whose blocks have attention")

    @field_validator("ca_stages")
    @classmethod
    def _each_once(cls, stages: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(stages)) != len(stages):
            raise ValueError("names a stage twice; allowed are 1, 2, 3, 4, each once")
        return stages


class AttentiveBlock(nn.Module):
    """A residual block of torchvision (18, 34: two convolutions; 50: three) with attention before the addition.

    The block's layers keep their names, so that weights keep torchvision's names.
    """

    conv1: nn.Module
    bn1: nn.Module
    relu: nn.Module
    conv2: nn.Module
    bn2: nn.Module
    conv3: nn.Module
    bn3: nn.Module
    downsample: nn.Module | None

    def __init__(self, block: nn.Module, attention: nn.Module) -> None:
        super().__init__()
        self.register_module("downsample", None)
        for name, layer in block.named_children():
            self.add_module(name, layer)
        self.attention = attention
        self.has_third_convolution = hasattr(block, "conv3")

    def forward(self, x: Tensor) -> Tensor:
        """Features (N, C_in, H, W) to (N, C, H / stride, W / stride)."""
        identity = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.has_third_convolution:
            y = self.bn3(self.conv3(self.relu(y)))
        return self.relu(self.attention(y) + identity)


class CarNet(nn.Module):
    """ResNet-18, -34 or -50 with coordinate attention in the chosen stages and a single logit.

    Embedding: global average of the last stage, (N, 512) for depth 18 and 34, (N, 2048) for depth 50.
    """

    def __init__(self, settings: CarNetParams) -> None:
        super().__init__()
        model = load_torchvision().models.get_model(torchvision_name(settings), weights=None, num_classes=1)
        self.embedding_width = int(model.fc.in_features)
        for name, layer in model.named_children():
            if name != "avgpool":
                self.add_module(name, layer)
        for stage in settings.ca_stages:
            channels = 64 * 2 ** (stage - 1) * (4 if settings.depth == 50 else 1)
            blocks = self.get_submodule(f"layer{stage}")
            for index, block in blocks.named_children():
                attention = CoordinateAttention(channels, reduction=settings.ca_reduction)
                blocks.add_module(index, AttentiveBlock(block, attention))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, embedding_width)."""
        layers = dict(self.named_children())
        head = layers.pop("fc")
        for layer in layers.values():  # stem (N, 64, S/4, S/4), then four stages down to S/32
            x = layer(x)
        pooled = x.mean(dim=(2, 3))
        return head(pooled).squeeze(1), pooled


def torchvision_name(settings: CarNetParams) -> str:
    """The name of torchvision's network with the same layers except the attention."""
    return f"resnet{settings.depth}"
