"""PTCR-Net: CAR-Net and PE-Net combined.

The published description names the two networks but not how they are combined. By default each is trained separately
and their logits are combined on patients that neither was trained on (pipeline.embed.late_fusion); `concat` trains both
as one network.
"""

from collections.abc import Callable
from typing import Any, Literal, Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams

PARTS = ("carnet", "penet")
DROPOUT = 0.2


class PtcrNetParams(NetworkParams):
    """How the two are combined; the settings of each are in its own section."""

    combine: Literal["late", "mean", "concat"]

    @model_validator(mode="after")
    def _weights_of_one_network(self) -> Self:
        source = self.weights.source
        if source == "torchvision" or (source == "file" and self.combine != "concat"):
            raise ValueError(
                f"weights.source '{source}' is not for ptcrnet with combine '{self.combine}'; set the weights of "
                "carnet and penet in their own sections"
            )
        if self.image_size_px is not None and self.combine != "concat":
            raise ValueError("image_size_px is for combine 'concat'; otherwise set it for carnet and penet")
        return self


class PtcrNet(nn.Module):
    """CAR-Net and PE-Net side by side, with one logit from both embeddings, trained as one network (`concat`).

    Embedding: both embeddings, (N, 512 + 1280) with a CAR-Net of depth 18. `make_carnet`, `make_penet`: build the two.
    """

    def __init__(
        self, _: PtcrNetParams, make_carnet: Callable[[], nn.Module], make_penet: Callable[[], nn.Module]
    ) -> None:
        super().__init__()
        parts: list[Any] = [make_carnet(), make_penet()]
        self.embedding_width = sum(int(part.embedding_width) for part in parts)
        self.carnet, self.penet = parts
        self.carnet.fc, self.penet.classifier = nn.Identity(), nn.Identity()  # one head for both
        self.dropout = nn.Dropout(DROPOUT)  # its rate follows the stages of PE-Net
        self.head = nn.Linear(self.embedding_width, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, embedding_width)."""
        embedding = torch.cat([self.carnet(x)[1], self.penet(x)[1]], dim=1)
        return self.head(self.dropout(embedding)).squeeze(1), embedding
