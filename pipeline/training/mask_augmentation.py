"""Random augmentation of a training image together with its masks."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pipeline.networks.torchvision_import import load_torchvision
from pipeline.training.augmentation import augmentation
from pipeline.training.params import AugmentationParams

MASKS = 2  # the last planes: nodule and gland


def mask_augmentation(params: AugmentationParams) -> Callable[[Tensor], Tensor]:
    """A function that augments planes (P, S, S): the grey ones, values in 0..1, and the last two, masks of 0 and 1.

    Scale, rotation, shift, shear and flip move all planes alike (masks by their nearest pixel, so that they stay 0 and
    1); contrast, brightness and noise change the grey planes only. Uncovered areas are black and in no mask. Uses
    torch's generator of the process, which the caller seeds.
    """
    change: Any = augmentation(params)  # torchvision's transforms take several planes at once, by their kind

    def augmented(planes: Tensor) -> Tensor:
        kinds = load_torchvision().tv_tensors
        grey, masks = change((kinds.Image(planes[:-MASKS]), kinds.Mask(planes[-MASKS:])))
        return torch.cat([grey.as_subclass(Tensor), masks.as_subclass(Tensor)])

    return augmented
