"""ResNet-50 with one logit and its deep features. Source: He et al., CVPR 2016; layers from torchvision."""

from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision


class ResNet50(nn.Module):
    """torchvision's ResNet-50 with a single logit; its weights keep torchvision's names.

    Embedding: global average of the last stage (`avgpool`), (N, 2048).
    """

    embedding_width = 2048

    def __init__(self, _: NetworkParams) -> None:
        super().__init__()
        model = load_torchvision().models.resnet50(weights=None, num_classes=1)
        for name, layer in model.named_children():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, 2048)."""
        layers = dict(self.named_children())
        head = layers.pop("fc")
        for layer in layers.values():  # stem (N, 64, S/4, S/4), four stages down to S/32, average (N, 2048, 1, 1)
            x = layer(x)
        pooled = x.flatten(1)
        return head(pooled).squeeze(1), pooled
