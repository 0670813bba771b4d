"""The schedule of progressive learning: image side, augmentation, mixup and dropout by stage of one training.

Source: Tan and Le, EfficientNetV2, ICML 2021, and its code. Everything is a function of the step alone, so that an
interrupted training resumes in the same stage.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, field_validator

from pipeline.foundation.params import Params

MIN_SIZE_PX = 32
FULL_MAGNITUDE = 10.0
MIN_ALPHA = 0.01  # below it, torch's Beta in single precision gives 0.5 instead of a weight near 0 or 1

Magnitude = Annotated[float, Field(ge=0, le=FULL_MAGNITUDE)]
Alpha = Annotated[float, Field(ge=0, le=10)]
Rate = Annotated[float, Field(ge=0, lt=1)]


class ProgressiveParams(Params):
    """The scheduled settings, each with its value in the first and in the last stage."""

    stages: int = Field(default=4, ge=1, le=20)
    magnitude: tuple[Magnitude, Magnitude] = Field(description="tenths of the strengths of the augmentation")
    mixup_alpha: tuple[Alpha, Alpha] = Field(description=f"of Beta(alpha, alpha); less than {MIN_ALPHA}: off")
    dropout: tuple[Rate, Rate] = Field(description="rate before the logit")

    @field_validator("magnitude", "mixup_alpha", "dropout")
    @classmethod
    def _never_falls(cls, values: tuple[float, float]) -> tuple[float, float]:
        first, last = values
        if first > last:
            raise ValueError(f"must not fall from the first stage to the last; write [{last}, {first}]")
        return values


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage: its number from 0, the side of its images, and the amount of augmentation, mixup and dropout.

    `magnitude` is a fraction of the augmentation's strengths; `dropout` None keeps the network's own rate.
    """

    number: int
    size_px: int
    magnitude: float
    mixup_alpha: float
    dropout: float | None


def stage_numbers_end(steps: int, *, stages: int) -> list[int]:
    """The step before which each stage ends: int(steps · (s + 1) / stages); the last is `steps`."""
    return [steps * (number + 1) // stages for number in range(stages)]


def stage_of(step: int, *, steps: int, target_px: int, params: ProgressiveParams | None) -> Stage:
    """The stage of a step (from 0, of `steps`); without params one stage of the target's size.

    Stage s of S (from 0) has the side int(base + (target - base)(s + 1) / S) with base = target / 2, so that the first
    stage of four is at 5/8 of the target; the other values rise in even steps.
    Raises ValueError if a stage would have images of less than 32 px.
    """
    if params is None:
        return Stage(number=0, size_px=target_px, magnitude=1.0, mixup_alpha=0.0, dropout=None)
    ends = stage_numbers_end(steps, stages=params.stages)
    number = next((s for s, end in enumerate(ends) if step < end), params.stages - 1)
    size_px = target_px * (params.stages + number + 1) // (2 * params.stages)
    if size_px < MIN_SIZE_PX:
        msg = f"target_px ({target_px}) gives stage {number} images of {size_px} px; {MIN_SIZE_PX} is the minimum"
        raise ValueError(msg)
    share = number / (params.stages - 1) if params.stages > 1 else 1.0

    def scheduled(ends: tuple[float, float]) -> float:
        return ends[0] + (ends[1] - ends[0]) * share

    return Stage(
        number=number,
        size_px=size_px,
        magnitude=scheduled(params.magnitude) / FULL_MAGNITUDE,
        mixup_alpha=scheduled(params.mixup_alpha),
        dropout=scheduled(params.dropout),
    )
