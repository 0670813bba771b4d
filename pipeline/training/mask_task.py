"""Learning masks: the lesion and, for networks with a gland prior, the gland, each image supervised by what it has.

The planes of an image are its grey slices, then the mask of the lesion, then that of the gland (both 0 or 255). Images
that have a gland alone are drawn anew for every epoch, one per image with a lesion, so that no two images are paired
for ever.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.networks.unet import MaskOutput
from pipeline.training.augmentation import Augmentation
from pipeline.training.batches import Examples, Rows, batches
from pipeline.training.inference import Encoder
from pipeline.training.mask_augmentation import mask_augmentation
from pipeline.training.mask_loss import mask_loss
from pipeline.training.params import AugmentationParams, EarlyStoppingParams, MaskLossParams
from pipeline.training.tasks import Step

N_MASKS = 2  # the last planes of an image


@dataclass(frozen=True, kw_only=True)
class MaskTask:
    """The task of a segmentation network. `has_lesion` and `has_gland` (n,) say which masks the images have, `area`
    (n,) is the lesion's as a fraction of the image at its own size (0 without a lesion).
    """

    settings: ClassVar[str] = "params/segment.yaml"
    has_lesion: NDArray[np.bool_]
    has_gland: NDArray[np.bool_]
    area: NDArray[np.float32]
    loss_params: MaskLossParams

    def augmentation(self, strengths: AugmentationParams) -> Augmentation:
        """Geometry of all planes alike; grey values of the image alone."""
        return mask_augmentation(strengths)

    def held(self, examples: Examples, *, params: EarlyStoppingParams, order: np.random.Generator) -> Rows:
        """Whole groups of the images with a lesion, with their images of the gland alone."""
        if not params.enabled:
            return np.array([], dtype=np.intp)
        groups = sorted({examples.groups[row] for row in np.flatnonzero(self.has_lesion)})
        count = min(round(params.validation_fraction * len(groups)), len(groups) - 1)
        held = {groups[place] for place in order.permutation(len(groups))[:count]}
        return np.array([row for row, group in enumerate(examples.groups) if group in held], dtype=np.intp)

    def epoch_rows(self, rows: Rows, *, order: np.random.Generator) -> Rows:
        """Every image with a lesion once, in random order, each followed by one drawn image of a gland alone."""
        with_lesion = order.permutation(rows[self.has_lesion[rows]])
        glands = rows[~self.has_lesion[rows] & self.has_gland[rows]]
        if not len(glands):
            return with_lesion
        rounds = -(-len(with_lesion) // len(glands))
        drawn = np.concatenate([order.permutation(glands) for _ in range(rounds)])[: len(with_lesion)]
        return np.stack([with_lesion, drawn], axis=1).ravel()

    def weight_ratio(self, _labels: NDArray[np.float32], /) -> float:
        """Masks have no classes of patients."""
        return 1.0

    def loss(self, step: Step) -> Tensor:
        """The loss of both masks of the augmented images."""
        grey, masks = step.planes[:, :-N_MASKS], step.planes[:, -N_MASKS:]
        return self._loss(step.output(grey), masks, rows=step.rows, remaining=step.remaining)

    def validation_loss(self, encoder: Encoder, examples: Examples, held: Rows, _ratio: float, /) -> Tensor:
        """The mean loss of the images held out, without augmentation and without the term of the scale head."""
        encoder.network.eval()
        total = torch.zeros((), device=encoder.device)
        with torch.inference_mode():
            for batch in batches(held, batch_size=encoder.batch_size, min_size=1):
                planes = torch.from_numpy(examples.pixels[batch]).to(encoder.device).float() / 255
                output = encoder.network(*encoder.inputs(planes[:, :-N_MASKS], present=None, rows=batch))
                total += self._loss(output, planes[:, -N_MASKS:], rows=batch, remaining=0.0) * len(batch)
        return total / len(held)

    def _loss(self, output: MaskOutput, masks: Tensor, *, rows: Rows, remaining: float) -> Tensor:
        lesion, gland = masks.unbind(dim=1)

        def of(values: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(values[rows]).to(masks.device)

        return mask_loss(
            MaskOutput(*output),
            nodule=lesion,
            gland=gland,
            has_nodule=of(self.has_lesion),
            has_gland=of(self.has_gland),
            params=self.loss_params,
            remaining=remaining,
            scale=of(self.area),
        )
