"""Random augmentation of training images: scale, rotation, shift, shear, flip, contrast, brightness, noise, mixup."""

from collections.abc import Callable

import torch
from torch import Tensor

from pipeline.networks.progressive import MIN_ALPHA
from pipeline.networks.torchvision_import import load_torchvision
from pipeline.training.params import AugmentationParams

Augmentation = Callable[[Tensor], Tensor]


def augmentation(params: AugmentationParams) -> Augmentation:
    """A function that augments one image (P, S, S), values in 0..1, all its planes (neighbouring slices) alike.

    Uses torch's generator of the process, as torchvision does: the caller seeds it. Uncovered areas are filled with
    black. With all strengths 0 the image is returned unchanged.
    """
    steps = _steps(params)
    return load_torchvision().transforms.v2.Compose(steps) if steps else _unchanged


def _unchanged(image: Tensor) -> Tensor:
    return image


def _steps(params: AugmentationParams) -> list[torch.nn.Module]:
    v2 = load_torchvision().transforms.v2
    steps: list[torch.nn.Module] = []
    if params.scale or params.rotation_deg or params.shift or params.shear_deg:
        steps.append(
            v2.RandomAffine(
                degrees=params.rotation_deg,
                translate=(params.shift, params.shift),
                scale=(1 - params.scale, 1 + params.scale),
                shear=params.shear_deg or None,
                interpolation=v2.InterpolationMode.BILINEAR,
            )
        )
    if params.flip:
        steps.append(v2.RandomHorizontalFlip(params.flip))
    if params.contrast or params.brightness:
        steps.append(v2.ColorJitter(brightness=params.brightness, contrast=params.contrast))
    if params.noise_sd:
        steps.append(v2.GaussianNoise(sigma=params.noise_sd))
    return steps


def mixed(pixels: Tensor, labels: Tensor, *, alpha: float) -> tuple[Tensor, Tensor]:
    """Mixup (Zhang et al., ICLR 2018): images (N, C, S, S) and labels (N,), floats from 0 to 1, as weighted means with
    the previous image, with one weight for the batch, drawn from Beta(alpha, alpha) with torch's generator.

    An `alpha` of less than 0.01, whose weights are almost always 0 or 1, changes and draws nothing.
    """
    if alpha < MIN_ALPHA:
        return pixels, labels
    mixup = load_torchvision().transforms.v2.MixUp(alpha=alpha, num_classes=2)
    changed, both = mixup(pixels, torch.stack([1 - labels, labels], dim=1))
    return changed, both[:, 1]
