"""Inception v3 with one logit and its deep features. Source: Szegedy et al., CVPR 2016; layers from torchvision."""

from collections.abc import Mapping

from torch import Tensor, nn

from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision

MIN_SIZE_PX = 75  # designed for 299
AUXILIARY_HEAD = "AuxLogits."


class InceptionV3(nn.Module):
    """torchvision's Inception v3 with a single logit, without its auxiliary head; weights keep torchvision's names.

    Embedding: global average of the last block (`avgpool`), (N, 2048). Images of 75 px or more; 299 is usual.
    """

    embedding_width = 2048

    def __init__(self, _: NetworkParams) -> None:
        super().__init__()
        # transform_input shifts channels for weights trained elsewhere; inputs here are normalised by the trainer.
        model = load_torchvision().models.inception_v3(
            weights=None, num_classes=1, aux_logits=False, transform_input=False, init_weights=True
        )
        for name, layer in model.named_children():
            self.add_module(name, layer)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, S, S) to logits (N,) and embeddings (N, 2048)."""
        layers = dict(self.named_children())
        head, dropout = layers.pop("fc"), layers.pop("dropout")
        for layer in layers.values():  # (N, 2048, 8, 8) at 299 px, then its average
            x = layer(x)
        pooled = x.flatten(1)
        return head(dropout(pooled)).squeeze(1), pooled


def without_auxiliary_head(given: Mapping[str, Tensor], _: NetworkParams) -> dict[str, Tensor]:
    """torchvision's weights without those of the auxiliary head, which only helps training from scratch on ImageNet."""
    return {name: value for name, value in given.items() if not name.startswith(AUXILIARY_HEAD)}
