"""Random augmentation of training images: scale, rotation, shift, shear, flip, contrast, brightness, noise, mixup."""

from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor

from pipeline.foundation.params import Params
from pipeline.networks.progressive import MIN_ALPHA
from pipeline.networks.torchvision_import import load_torchvision

Augmentation = Callable[[Tensor], Tensor]


class AugmentationParams(Params):
    """Strengths of the augmentation; 0 switches a transform off."""

    scale: float = Field(ge=0, le=0.9, description="size changes by a factor between 1 - scale and 1 + scale")
    rotation_deg: float = Field(ge=0, le=180)
    shift: float = Field(ge=0, le=0.5, description="largest shift, as a fraction of the side")
    shear_deg: float = Field(ge=0, le=45)
    flip: float = Field(ge=0, le=1, description="probability of a left-right flip")
    contrast: float = Field(ge=0, le=0.9, description="contrast changes by a factor between 1 - x and 1 + x")
    brightness: float = Field(ge=0, le=0.9, description="brightness changes by a factor between 1 - x and 1 + x")
    noise_sd: float = Field(ge=0, le=0.5, description="SD of Gaussian noise; white is 1")

    def scaled(self, fraction: float) -> "AugmentationParams":
        """All strengths times `fraction` (0 to 1), except the flip, which is a probability."""
        kept = {"flip": self.flip}
        return AugmentationParams.model_validate({k: v * fraction for k, v in self.model_dump().items()} | kept)


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
