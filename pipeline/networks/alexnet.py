"""AlexNet with one logit and its deep features. Source: Krizhevsky, arXiv 1404.5997; layers from torchvision."""

from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision

MIN_SIZE_PX = 63


class AlexNet(nn.Module):
    """torchvision's AlexNet with a single logit; its weights keep torchvision's names.

    Embedding: the second hidden layer after its ReLU (`classifier.5`), (N, 4096). Images of 63 px or more.
    """

    embedding_width = 4096

    def __init__(self, _: NetworkParams) -> None:
        super().__init__()
        model = load_torchvision().models.alexnet(weights=None, num_classes=1)
        self.features, self.avgpool, self.classifier = model.features, model.avgpool, model.classifier

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, 4096)."""
        pooled = self.avgpool(self.features(x)).flatten(1)  # (N, 256·6·6)
        hidden = self.classifier[:-1](pooled)
        return self.classifier[-1](hidden).squeeze(1), hidden
