"""What a network learns: the outcome of patients (here), or masks (mask_task). The trainer is the same for both."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.networks.progressive import Stage
from pipeline.training.augmentation import Augmentation, augmentation, mixed
from pipeline.training.batches import Examples, Rows, validation_rows
from pipeline.training.inference import Encoder
from pipeline.training.optimisation import class_weight_ratio, loss_of, loss_of_output
from pipeline.training.params import AugmentationParams, EarlyStoppingParams, OptimisationParams


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a training: the network with its shared gradients, the rows of the batch and their planes as loaded,
    on the device; precision, the weight of an event, and the fraction of the epochs that remain.
    """

    network: nn.Module
    shared: nn.Module
    encoder: Encoder
    examples: Examples
    rows: Rows
    planes: Tensor
    stage: Stage
    mixed_precision: bool
    ratio: float
    remaining: float

    def output(self, grey: Tensor) -> Any:
        """What the network returns for these images, in the precision of the training."""
        inputs = self.encoder.inputs(grey, present=self.examples.present, rows=self.rows)
        with torch.autocast(self.planes.device.type, dtype=torch.bfloat16, enabled=self.mixed_precision):
            return self.shared(*inputs)


class Task(Protocol):
    """What differs between the things that a network learns. `settings`: the params file that errors name."""

    settings: ClassVar[str]

    def augmentation(self, strengths: AugmentationParams) -> Augmentation:
        """The augmentation of one image with its planes."""

    def held(self, examples: Examples, *, params: EarlyStoppingParams, order: np.random.Generator) -> Rows:
        """The rows held out for early stopping."""

    def epoch_rows(self, rows: Rows, *, order: np.random.Generator) -> Rows:
        """The rows of one epoch in their order; always the same number."""

    def weight_ratio(self, labels: NDArray[np.float32], /) -> float:
        """The weight of an event over that of a non-event, by the labels of the training rows."""

    def loss(self, step: Step) -> Tensor:
        """The loss of a step."""

    def validation_loss(self, encoder: Encoder, examples: Examples, held: Rows, ratio: float, /) -> Tensor:
        """The loss on the rows held out, without augmentation."""


@dataclass(frozen=True, kw_only=True)
class OutcomeTask:
    """The outcome 0/1 of patients: cross-entropy or focal loss of the logits, with mixup."""

    settings: ClassVar[str] = "params/embed.yaml"
    params: OptimisationParams

    def augmentation(self, strengths: AugmentationParams) -> Augmentation:
        """Geometry and grey values."""
        return augmentation(strengths)

    def held(self, examples: Examples, *, params: EarlyStoppingParams, order: np.random.Generator) -> Rows:
        """Whole groups, stratified by label."""
        return validation_rows(examples, params=params, order=order)

    def epoch_rows(self, rows: Rows, *, order: np.random.Generator) -> Rows:
        """Every row once, in random order."""
        return order.permutation(rows)

    def weight_ratio(self, labels: NDArray[np.float32], /) -> float:
        """By `class_weights`."""
        return class_weight_ratio(labels, how=self.params.class_weights)

    def loss(self, step: Step) -> Tensor:
        """The loss of the logits of mixed images."""
        truth = torch.from_numpy(step.examples.labels[step.rows]).to(step.planes.device)
        grey, truth = mixed(step.planes, truth, alpha=step.stage.mixup_alpha)
        weight = float(getattr(step.network, "auxiliary_weight", 0.0))
        return loss_of_output(step.output(grey), truth, ratio=step.ratio, params=self.params, auxiliary_weight=weight)

    def validation_loss(self, encoder: Encoder, examples: Examples, held: Rows, ratio: float, /) -> Tensor:
        """The loss of the logits."""
        present = None if examples.present is None else examples.present[held]
        found = encoder.encode(examples.pixels[held], present=present).logits
        logits = torch.from_numpy(found).to(encoder.device)  # where the group of processes can sum
        return loss_of(logits, torch.from_numpy(examples.labels[held]), ratio=ratio, params=self.params)
