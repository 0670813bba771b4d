"""What a trained segmentation network gives: the probability of the lesion, and how well it knows the gland."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.networks.unet import MaskOutput
from pipeline.segment.images import TrainingPictures
from pipeline.statistics.overlap import dice
from pipeline.training.batches import batches
from pipeline.training.inference import Encoder


def _outputs(encoder: Encoder, slices: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.intp], MaskOutput]]:
    """The output of the network for each batch of grey slices (n, S, S)."""
    encoder.network.eval()
    with torch.inference_mode():
        for rows in batches(np.arange(len(slices)), batch_size=encoder.batch_size, min_size=1):
            grey = torch.from_numpy(slices[rows])[:, None].to(encoder.device, non_blocking=True).float() / 255
            with torch.autocast(encoder.device.type, torch.bfloat16, enabled=encoder.precision == "bfloat16"):
                yield rows, MaskOutput(*encoder.network(*encoder.inputs(grey, present=None, rows=rows)))


def mask_probability(encoder: Encoder, slices: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The probability of the lesion, float32 (n, S, S), of grey slices uint8 (n, S, S), without augmentation."""
    return np.concatenate([_probability(output.nodule) for _, output in _outputs(encoder, slices)])


def gland_dice(encoder: Encoder, pictures: TrainingPictures, *, blocks: frozenset[str]) -> float | None:
    """The mean Dice of the gland on the images of these blocks, at the size of the network; None if there are none."""
    rows = pictures.rows(patients=frozenset(), glands=blocks)
    if not len(rows):
        return None
    planes, found = pictures.planes[rows], []
    for batch, output in _outputs(encoder, planes[:, 0]):
        assert output.gland is not None
        found += [dice(one >= 0.5, planes[row, -1]) for one, row in zip(_probability(output.gland), batch, strict=True)]
    return float(np.mean(found))


def _probability(logits: Tensor) -> NDArray[np.float32]:
    return np.asarray(logits.float().sigmoid()[:, 0].cpu().numpy(), dtype=np.float32)
