"""ViT-B/16 with one logit and its deep features. Source: Dosovitskiy et al., ICLR 2021; layers from torchvision."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from pydantic import field_validator
from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision

PATCH_PX, USUAL_SIZE_PX = 16, 224
POSITIONS = "encoder.pos_embedding"


class VitParams(NetworkParams):
    """Settings of ViT-B/16: it has a position for each patch, so its input size is fixed when it is built."""

    image_size_px: int | None = USUAL_SIZE_PX

    @field_validator("image_size_px")
    @classmethod
    def _whole_patches(cls, size: int | None) -> int:
        if size is None or size % PATCH_PX or size < PATCH_PX:
            msg = f"must be a multiple of {PATCH_PX}, the side of a patch; {USUAL_SIZE_PX} is usual"
            raise ValueError(msg)
        return size


def _size(settings: VitParams) -> int:
    return settings.image_size_px or USUAL_SIZE_PX


class VitB16(nn.Module):
    """torchvision's ViT-B/16 with a single logit; its weights keep torchvision's names.

    Embedding: the class token after the last layer norm (what `heads` reads), (N, 768).
    """

    embedding_width = 768

    def __init__(self, settings: VitParams) -> None:
        super().__init__()
        model = load_torchvision().models.vit_b_16(weights=None, num_classes=1, image_size=_size(settings))
        self.class_token = model.class_token
        self.conv_proj, self.encoder, self.heads = model.conv_proj, model.encoder, model.heads

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, 768)."""
        patches = self.conv_proj(x).flatten(2).transpose(1, 2)  # (N, (S/16)², 768)
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1)
        embedding = self.encoder(tokens)[:, 0]
        return self.heads(embedding).squeeze(1), embedding


def resized_positions(given: Mapping[str, Tensor], settings: VitParams) -> dict[str, Tensor]:
    """Weights whose positional embedding is interpolated from the size they were trained at to that of `settings`."""
    if given[POSITIONS].shape[1] == (_size(settings) // PATCH_PX) ** 2 + 1:
        return dict(given)
    from torchvision.models.vision_transformer import interpolate_embeddings

    return dict(interpolate_embeddings(_size(settings), PATCH_PX, OrderedDict(given)))
