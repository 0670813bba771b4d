"""DenseNet121 with one logit and its deep features. Source: Huang et al., CVPR 2017; layers from torchvision."""

from typing import Literal

from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision

FLAT_SIZE_PX = 224
GROWTH = 32
WIDTH, BOTTLENECK_WIDTH = 1024, 10


class DenseNet121Params(NetworkParams):
    """Settings of DenseNet121."""

    layer: Literal["gap1024", "last_conv_flat1568", "bottleneck10"]


class DenseNet121(nn.Module):
    """torchvision's DenseNet121 with a single logit; its weights keep torchvision's names.

    Embedding `gap1024`: the last features after ReLU and global average, (N, 1024).
    Embedding `last_conv_flat1568`: the flattened output of the last convolution
    (`features.denseblock4.denselayer16.conv2`), (N, 32·7·7) at 224 px.
    Embedding `bottleneck10`: ten outputs of a layer between the pooled features and the logit, before its ReLU,
    (N, 10): the form of the T4/T11 breast CT study.
    """

    def __init__(self, settings: DenseNet121Params) -> None:
        super().__init__()
        model = load_torchvision().models.densenet121(weights=None, num_classes=1)
        self.layer = settings.layer
        self.features = model.features
        self.classifier = model.classifier
        widths = {
            "gap1024": WIDTH,
            "last_conv_flat1568": GROWTH * (FLAT_SIZE_PX // 32) ** 2,
            "bottleneck10": BOTTLENECK_WIDTH,
        }
        self.embedding_width = widths[settings.layer]
        if settings.layer == "bottleneck10":
            self.bottleneck = nn.Linear(WIDTH, BOTTLENECK_WIDTH)
            self.classifier = nn.Linear(BOTTLENECK_WIDTH, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, embedding_width)."""
        for name, module in self.features.named_children():
            if name != "norm5":
                x = module(x)
        # A dense block ends with the output of its last convolution: the last 32 of (N, 1024, S/32, S/32).
        last_convolution = x[:, -GROWTH:]
        pooled = self.features.norm5(x).relu().mean(dim=(2, 3))  # (N, 1024)
        if self.layer == "bottleneck10":
            ten = self.bottleneck(pooled)
            return self.classifier(ten.relu()).squeeze(1), ten
        logits = self.classifier(pooled).squeeze(1)
        return logits, pooled if self.layer == "gap1024" else last_convolution.flatten(1)


def new_parts(settings: DenseNet121Params) -> tuple[str, ...]:
    """Layers that torchvision's DenseNet121 does not have."""
    return ("bottleneck.",) if settings.layer == "bottleneck10" else ()
