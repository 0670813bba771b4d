"""What the embedding work is made of: images with labels, networks with their recipes, and pieces of work."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.embed.strategy import Job, Strategy
from pipeline.foundation.checkpoints import CheckpointStore, fingerprint
from pipeline.networks.inputs import InputParams, Normalisation, RoiInputs
from pipeline.networks.registry import Network, is_given
from pipeline.training.augmentation import AugmentationParams
from pipeline.training.batches import Examples
from pipeline.training.trainer import TrainingParams


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How networks are trained and fed; the part of `params/embed.yaml` that all of them share, and the seed."""

    strategy: Strategy
    trained_on: Literal["other_patients", "unknown"]
    keep_weights: Literal["final", "all"]
    input: InputParams
    training: TrainingParams
    augmentation: AugmentationParams
    seed: int


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """The images, and the label and group of every patient by patient_id."""

    inputs: RoiInputs
    labels: Mapping[str, int]
    groups: Mapping[str, str]

    def sha256(self) -> str:
        """Hash of all that is in it."""
        pixels = hashlib.sha256(self.inputs.pixels.tobytes()).hexdigest()
        present = None if self.inputs.present is None else self.inputs.present.tolist()
        inputs = (self.inputs.image_ids, self.inputs.patient_ids, self.inputs.views, self.inputs.pixels.shape, pixels)
        return fingerprint(inputs, present, dict(self.labels), dict(self.groups))

    def examples(self, rows: NDArray[np.intp]) -> Examples:
        """The images of these rows with their labels."""
        patients = tuple(self.inputs.patient_ids[row] for row in rows)
        return Examples(
            pixels=self.inputs.pixels[rows],
            labels=np.array([self.labels[patient] for patient in patients], dtype=np.float32),
            patients=patients,
            groups=tuple(self.groups[patient] for patient in patients),
            present=None if self.inputs.present is None else self.inputs.present[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Member:
    """A network that is trained on its own, with its recipe and the images as it sees them."""

    network: Network
    recipe: Recipe
    cohort: Cohort


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What makes the network `name`: one member, or several whose logits are combined."""

    name: str
    members: tuple[Member, ...]
    settings: Any
    combine: Literal["late", "mean"] = "mean"

    @property
    def cohort(self) -> Cohort:
        """The images; every member sees the same ones, in the same order, in its own size."""
        return self.members[0].cohort

    @property
    def recipe(self) -> Recipe:
        """What all members share (their input differs)."""
        return self.members[0].recipe


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a case is computed: device, processes that load images, folder of unfinished trainings and of curves."""

    device: str
    loaders: int = 0
    store: CheckpointStore | None = None
    board: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A job, and the rows of the images it describes here (a frozen network describes them in numbered chunks)."""

    job: Job
    rows: NDArray[np.intp]
    chunk: int = 0

    @property
    def name(self) -> str:
        """`<resample>_<part>_<chunk>`."""
        return f"{self.job.name}_{self.chunk}"


def normalisation_of(network: Network, recipe: Recipe) -> Normalisation:
    """`auto` means ImageNet's mean and SD where the network starts from given weights, else each image's own."""
    if recipe.input.normalise != "auto":
        return recipe.input.normalise
    return "imagenet" if is_given(network) else "image"
