"""The work plan of the embeddings: images with labels, networks with their recipes, and the cases to compute."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.embed.params import EmbedParams, network_of
from pipeline.embed.strategy import Job, Strategy
from pipeline.embed.view_pairs import check_views, paired
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.fingerprints import fingerprint
from pipeline.networks.inputs import Normalisation, RoiInputs
from pipeline.networks.params import InputParams
from pipeline.networks.registry import Network, is_given
from pipeline.networks.timm_backbone import BackboneParams, statistics_of
from pipeline.training.batches import Examples
from pipeline.training.params import AugmentationParams, TrainingParams

FROZEN_CHUNK = 16  # batches in one case of a frozen network, so that many cases can run side by side


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How networks are trained and on which inputs: the settings of `params/embed.yaml` they share, and the seed."""

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
        """Hash of all its content."""
        pixels = hashlib.sha256(self.inputs.pixels.tobytes()).hexdigest()
        present = None if self.inputs.present is None else self.inputs.present.tolist()
        ids = (self.inputs.image_ids, self.inputs.patient_ids, self.inputs.views, self.inputs.resamples)
        inputs = (*ids, self.inputs.pixels.shape, pixels)
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
    """A network that is trained separately, with its recipe and its input images."""

    network: Network
    recipe: Recipe
    cohort: Cohort


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The networks behind `name`: one member, or several whose logits are combined."""

    name: str
    members: tuple[Member, ...]
    settings: Any
    combine: Literal["late", "mean"] = "mean"

    @property
    def cohort(self) -> Cohort:
        """The images; every member has the same ones, in the same order, in its own size."""
        return self.members[0].cohort

    @property
    def recipe(self) -> Recipe:
        """What all members share (their input differs)."""
        return self.members[0].recipe


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a case is computed: device, processes that load images, folder of unfinished trainings and of curves, and
    the store of embeddings that outlive the run.
    """

    device: str
    loaders: int = 0
    store: CheckpointStore | None = None
    board: Path | None = None
    kept: ContentStore | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A job, and the rows of the images it embeds here (a frozen network embeds them in numbered chunks)."""

    job: Job
    rows: NDArray[np.intp]
    chunk: int = 0

    @property
    def name(self) -> str:
        """`<resample>_<part>_<chunk>`."""
        return f"{self.job.name}_{self.chunk}"


def normalisation_of(network: Network, recipe: Recipe) -> Normalisation:
    """`auto` means the mean and SD that given weights are for (ImageNet's, or those of a backbone), else each image's
    own.
    """
    if recipe.input.normalise != "auto":
        return recipe.input.normalise
    if not is_given(network):
        return "image"
    is_backbone = isinstance(network.settings, BackboneParams)
    return statistics_of(network.settings) if is_backbone else "imagenet"


def recipe_of(params: EmbedParams, *, net: str, seed: int) -> Recipe:
    """The params that a case of the network `net` needs."""
    return Recipe(
        strategy=params.strategy_of(net),
        trained_on=params.trained_on_of(net),
        keep_weights=params.keep_weights,
        input=params.input_of(net),
        training=params.training,
        augmentation=params.augmentation,
        seed=seed,
    )


def plan_of(
    params: EmbedParams,
    *,
    net: str,
    seed: int,
    patients: pd.DataFrame,
    read: Callable[..., RoiInputs],
    every_view: bool = True,
) -> Plan:
    """The networks behind `net`, each with its input images; `read(params=…)` returns the images of an input. With
    `every_view` each view of a network of views must have an image, as in a study; one new patient may lack it.

    Raises ParamsError if the params do not list it, CohortError if a network of views finds no image of a view.
    """
    network_of(params, net)
    members, sizes = [], dict[InputParams, RoiInputs]()
    for member in params.members_of(net):
        recipe = recipe_of(params, net=member.name, seed=seed)
        if recipe.input not in sizes:
            sizes[recipe.input] = read(params=recipe.input)
        inputs = sizes[recipe.input]
        if member.architecture.has_views:
            if every_view:
                check_views(inputs, views=member.settings.views)
            inputs = paired(inputs, views=member.settings.views)
        members.append(Member(network=member, recipe=recipe, cohort=cohort_of(patients, inputs=inputs)))
    settings = params.settings_of(net)
    late = getattr(settings, "combine", None) == "late"
    return Plan(name=net, members=tuple(members), settings=settings, combine="late" if late else "mean")


def cohort_of(patients: pd.DataFrame, *, inputs: RoiInputs) -> Cohort:
    """The images with the labels and groups of the patients table."""
    ids = list(patients["patient_id"])
    return Cohort(
        inputs=inputs,
        labels=dict(zip(ids, (int(label) for label in patients["label"]), strict=True)),
        groups=dict(zip(ids, patients["group_id"], strict=True)),
    )


def cases_of(jobs: Sequence[Job], *, cohort: Cohort, batch_size: int) -> list[Case]:
    """One case per trained network; a frozen network's images in chunks of whole batches, for any number of workers."""
    cases = []
    for job in jobs:
        rows = cohort.inputs.rows_of(job.embedded, resample=job.resample)
        size = len(rows) if job.trained else FROZEN_CHUNK * batch_size
        chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
        cases += [Case(job=job, rows=chunk, chunk=number) for number, chunk in enumerate(chunks)]
    return cases
