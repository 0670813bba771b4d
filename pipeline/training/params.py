"""The settings of trainings. This file imports no torch, so that a stage can read its params without that import."""

from typing import Literal

from pydantic import Field

from pipeline.foundation.params import Params


class OptimisationParams(Params):
    """The training settings that concern the updates of the weights."""

    epochs: int = Field(ge=1, le=10_000)
    optimiser: Literal["adamw", "sgd"] = "adamw"
    learning_rate: float = Field(gt=0, le=1)
    warm_up_epochs: float = Field(ge=0, le=1000)
    schedule: Literal["cosine", "step", "constant", "trfe_published"]
    step_epochs: int = Field(default=10, ge=1, le=10_000)
    step_factor: float = Field(default=0.1, gt=0, lt=1)
    weight_decay: float = Field(ge=0, le=1)
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = Field(default=2.0, ge=0, le=10)
    class_weights: Literal["balanced", "none"]
    gradient_clip_norm: float | None = Field(default=None, gt=0)
    ema_decay: float | None = Field(default=None, gt=0, lt=1)


class EarlyStoppingParams(Params):
    """Stop once the loss on an inner validation set of the training patients no longer improves."""

    enabled: bool
    patience_epochs: int = Field(ge=1, le=1000)
    validation_fraction: float = Field(gt=0, lt=0.9)
    min_events: int = Field(ge=10, description="minimum events of the validation set; else all epochs are run")


class TrainingParams(OptimisationParams):
    """How networks are trained."""

    batch_size: int = Field(ge=2, le=4096)
    precision: Literal["float32", "tf32", "bfloat16"]
    processes: int = Field(default=1, ge=1, le=64, description="processes that share every batch")
    torch_threads: int = Field(ge=1, le=256)
    early_stopping: EarlyStoppingParams


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


class MaskLossParams(Params):
    """The terms of the loss."""

    kind: Literal["dice_cross_entropy", "dice"] = "dice_cross_entropy"
    dice_smoothing: float = Field(default=1.0, gt=0, le=1000, description="pixels added to both parts of the ratio")
    scale_weight: float = Field(default=1.0, ge=0, le=100, description="of the area term of trfeplus; 0 = off")
    parity: bool = Field(default=False, description="true: the published Dice, faults included, whatever `kind` is")
