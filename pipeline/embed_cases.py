"""One piece of the embedding work: build a network, train it, describe images with it; and how it is kept."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from pipeline.augmentation import AugmentationParams, augmentation
from pipeline.checkpoints import CheckpointStore, fingerprint
from pipeline.embed_jobs import ALL, Job, Strategy
from pipeline.networks.registry import Architecture, build_network
from pipeline.networks.weights import read_tensors, write_tensors
from pipeline.roi_inputs import InputParams, Normalisation, RoiInputs
from pipeline.training import Trainer, Training, TrainingParams, reproducible
from pipeline.training_batches import Examples

KEPT = "final"


@dataclass(frozen=True, kw_only=True)
class Network:
    """One network of the params, ready to be built in any process."""

    name: str
    architecture: Architecture
    settings: Any


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
        inputs = (self.inputs.image_ids, self.inputs.patient_ids, self.inputs.views, self.inputs.pixels.shape, pixels)
        return fingerprint(inputs, dict(self.labels), dict(self.groups))

    def examples(self, rows: NDArray[np.intp]) -> Examples:
        """The images of these rows with their labels."""
        patients = tuple(self.inputs.patient_ids[row] for row in rows)
        return Examples(
            pixels=self.inputs.pixels[rows],
            labels=np.array([self.labels[patient] for patient in patients], dtype=np.float32),
            patients=patients,
            groups=tuple(self.groups[patient] for patient in patients),
        )


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


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a case gives: embeddings float32 (n, E) and head probabilities (n,) of its rows, and the network's card."""

    case: Case
    embeddings: NDArray[np.float32]
    probabilities: NDArray[np.float64]
    card: dict[str, Any]
    losses: list[dict[str, Any]]
    weights: dict[str, Tensor] = field(default_factory=dict)


def normalisation_of(network: Network, recipe: Recipe) -> Normalisation:
    """`auto` means ImageNet's mean and SD where the network starts from given weights, else each image's own."""
    if recipe.input.normalise != "auto":
        return recipe.input.normalise
    return "image" if network.settings.weights.source == "none" else "imagenet"


def describe_case(case: Case, *, network: Network, recipe: Recipe, cohort: Cohort, device: str) -> Described:
    """Train the network of one case (not a frozen one) and describe its images.

    The seed is drawn from the recipe's seed, the network and the job, so that it is the same in any order of work.
    Head probabilities are corrected for class weights to the prevalence of the training images (Elkan 2001).
    """
    job = case.job
    seed = int(fingerprint(recipe.seed, network.name, job.name)[:12], 16)
    place = torch.device(device)
    training = Training()
    with reproducible(seed=seed, threads=recipe.training.torch_threads, device=place):
        trainer = Trainer(
            build_network(network.architecture, network.settings),
            params=recipe.training,
            augment=augmentation(recipe.augmentation),
            normalise=normalisation_of(network, recipe),
            device=place,
        )
        if job.trained:
            examples = cohort.examples(cohort.inputs.rows_of(job.trained))
            unseen = job.scored if job.part == ALL else job.described
            forbidden = frozenset(cohort.groups[patient] for patient in unseen)
            training = trainer.fit(examples, forbidden=forbidden, seed=seed)
        logits, embeddings = trainer.describe(cohort.inputs.pixels[case.rows])
        weights = trainer.weights() if _is_kept(job, recipe) else {}
    return Described(
        case=case,
        embeddings=embeddings,
        probabilities=np.asarray(expit(logits - np.log(training.weight_ratio)), dtype=np.float64),
        card=_card(job, network=network, recipe=recipe, cohort=cohort, training=training, device=place)
        | {"seed": seed, "parameters": trainer.n_parameters(), "embedding_width": int(embeddings.shape[1])},
        losses=[{"resample": job.resample, "part": job.part, **asdict(epoch)} for epoch in training.epochs],
        weights=weights,
    )


def _is_kept(job: Job, recipe: Recipe) -> bool:
    return bool(job.trained) and (recipe.keep_weights == "all" or job.resample == KEPT)


def _card(
    job: Job, *, network: Network, recipe: Recipe, cohort: Cohort, training: Training, device: torch.device
) -> dict[str, Any]:
    """What is recorded of a network; no path but file names, so that the card is the same in every folder."""
    settings = network.settings.model_dump(mode="json")
    settings["weights"]["file"] = Path(settings["weights"]["file"]).name
    with_image = frozenset(cohort.inputs.patient_ids)
    trained = sorted(job.trained & with_image)
    events = sum(cohort.labels[patient] for patient in trained)
    return {
        "network": network.name,
        "resample": job.resample,
        "part": job.part,
        "strategy": recipe.strategy,
        "trained_on": recipe.trained_on if settings["weights"]["source"] != "none" else None,
        "settings": settings,
        "input": recipe.input.model_dump(mode="json"),
        "normalisation": normalisation_of(network, recipe),
        "training": recipe.training.model_dump(mode="json"),
        "augmentation": recipe.augmentation.model_dump(mode="json"),
        "n_patients": len(trained),
        "n_events": events,
        "n_images": len(cohort.inputs.rows_of(job.trained)),
        "n_validation_patients": training.n_validation_patients,
        "prevalence": events / len(trained) if trained else None,
        "trained_ids_sha256": fingerprint(trained),
        "scored_without_image": sorted(job.scored - with_image),
        "epochs_run": len(training.epochs),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }


def save_described(store: CheckpointStore, described: Described) -> None:
    """Keep a finished case; the tensors first, so that a case with a JSON file is whole."""
    tensors = {
        "embeddings": torch.from_numpy(described.embeddings),
        "probabilities": torch.from_numpy(described.probabilities),
        **{f"network/{name}": tensor for name, tensor in described.weights.items()},
    }
    write_tensors(tensors, store.path(described.case.name, suffix=".safetensors"))
    store.save(described.case.name, {"card": described.card, "losses": described.losses})


def load_described(store: CheckpointStore, case: Case) -> Described | None:
    """The stored result of a case, or None."""
    kept = store.load(case.name)
    if kept is None:
        return None
    tensors = read_tensors(store.path(case.name, suffix=".safetensors"))
    return Described(
        case=case,
        embeddings=tensors.pop("embeddings").numpy(),
        probabilities=tensors.pop("probabilities").numpy(),
        weights={name.removeprefix("network/"): tensor for name, tensor in tensors.items()},
        **kept,
    )
