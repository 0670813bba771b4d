"""PE-Net: EfficientNetV2-S with one logit, trained progressively.

The published description of PTCR-Net names only the origin of this network; sizes and schedule are EfficientNetV2's.
Source: Tan and Le, ICML 2021; layers from torchvision.
"""

from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor, nn

from pipeline.networks.progressive import ProgressiveParams
from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision


class PeNetParams(NetworkParams):
    """Settings of PE-Net: trained on images of up to `train_size_px` (None: the size it embeds)."""

    train_size_px: int | None = Field(default=None, ge=32, le=1024, description="side of the images of the last stage")
    progressive: ProgressiveParams

    @field_validator("train_size_px")
    @classmethod
    def _no_larger_than_the_image(cls, size: int | None, info: ValidationInfo) -> int | None:
        largest = info.data.get("image_size_px")
        if size is not None and largest is not None and size > largest:
            raise ValueError(f"must be image_size_px ({largest}) or less")
        return size


class PeNet(nn.Module):
    """torchvision's EfficientNetV2-S with a single logit; its weights keep torchvision's names.

    Embedding: global average of the last convolution (`avgpool`), (N, 1280), before the dropout of the logit.
    """

    embedding_width = 1280

    def __init__(self, _: PeNetParams) -> None:
        super().__init__()
        model = load_torchvision().models.efficientnet_v2_s(weights=None, num_classes=1)
        self.features, self.avgpool, self.classifier = model.features, model.avgpool, model.classifier
        self.classifier[0].inplace = False  # in place, the dropout would zero the embedding too

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, 1280)."""
        pooled = self.avgpool(self.features(x)).flatten(1)  # (N, 1280, S/32, S/32), then its average
        return self.classifier(pooled).squeeze(1), pooled
