"""The loss of a segmentation network: soft Dice and cross-entropy per task, and the predicted area of the nodule.

Sources: Milletari et al., V-Net, 3DV 2016 (soft Dice); the area term of TRFE+, Gong et al., Computers in Biology and
Medicine 2023, 155:106389.
"""

import torch
from torch import Tensor, nn

from pipeline.networks.unet import MaskOutput
from pipeline.training.data_parallel import mean_over_group, size
from pipeline.training.params import MaskLossParams


def mask_loss(
    output: MaskOutput,
    *,
    nodule: Tensor,
    gland: Tensor,
    has_nodule: Tensor,
    has_gland: Tensor,
    params: MaskLossParams,
    remaining: float,
    scale: Tensor,
) -> Tensor:
    """The loss of a batch, in float32: per task its mean over the images that have the mask, and the sum of the tasks.

    Parameters: masks `nodule` and `gland` (N, H, W), 0 or 1, and which images have them (N,), bool; what a missing mask
    contains is ignored, and so is the gland for a network without it. `scale` (N,): the nodule's area as a fraction of
    the image; a network that predicts it also has the mean of log cosh(predicted - true), times `scale_weight` and
    `remaining` (1 - epoch / epochs, from 1 down to 0). A task without any mask in the batch adds 0.
    With `parity` the Dice loss is `published_dice_loss`, summed over the images, without cross-entropy.
    """
    loss = _task_loss(output.nodule, nodule, has_nodule, params=params)
    if output.gland is not None:
        loss = loss + _task_loss(output.gland, gland, has_gland, params=params)
    if output.scale is not None:
        # A missing area may be NaN, and NaN times 0 is NaN.
        true = torch.where(has_nodule, scale.float(), 0.0)
        error = (output.scale.float() - true).cosh().log()
        loss = loss + params.scale_weight * remaining * _mean(error, known=has_nodule)
    return loss


def dice_loss(probability: Tensor, truth: Tensor, *, smoothing: float) -> Tensor:
    """Soft Dice loss per image (N,) of probabilities and masks (N, H, W): 1 - (2 I + s) / (A + B + s).

    I: sum of their product, A and B: their sums, s: `smoothing`. 0 for a perfect prediction, an empty one included.
    """
    both, either = _sums(probability, truth)
    return 1 - (2 * both + smoothing) / (either + smoothing)


def published_dice_loss(probability: Tensor, truth: Tensor, *, smoothing: float) -> Tensor:
    """The Dice loss of TRFE-Net's code per image (N,): 1 - 2 (I + s) / (A + B + s), see `dice_loss`.

    The smoothing is added before the factor 2, so that a perfect prediction has a negative loss: -s / (2 A + s).
    """
    both, either = _sums(probability, truth)
    return 1 - 2 * (both + smoothing) / (either + smoothing)


def _sums(probability: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    return (probability * truth).sum(dim=(1, 2)), (probability + truth).sum(dim=(1, 2))


def _task_loss(logits: Tensor, truth: Tensor, known: Tensor, *, params: MaskLossParams) -> Tensor:
    logits = logits.float().squeeze(1)  # (N, H, W)
    truth = torch.where(known[:, None, None], truth.float(), 0.0)
    if params.parity:
        each = published_dice_loss(logits.sigmoid(), truth, smoothing=params.dice_smoothing)
        # The gradients of a group of processes are averaged: times its size they are those of the sum.
        return size() * torch.where(known, each, 0.0).sum()
    each = dice_loss(logits.sigmoid(), truth, smoothing=params.dice_smoothing)
    if params.kind == "dice_cross_entropy":
        entropy = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        each = each + entropy.mean(dim=(1, 2))
    return _mean(each, known=known)


def _mean(each: Tensor, *, known: Tensor) -> Tensor:
    """The mean over the images that are known (N,), of the whole batch if processes share it; 0 if there are none."""
    count = mean_over_group(known.float().sum())
    return torch.where(known, each, 0.0).sum() / count.clamp(min=torch.finfo(count.dtype).tiny)
