"""One piece of the embedding work: build a network, train it, describe images with it; and how it is kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.embed.late_fusion import averaged, stacked
from pipeline.embed.params import EmbedParams
from pipeline.embed.progress import curves_folder, state_path
from pipeline.embed.strategy import Job
from pipeline.embed.work_plan import Case, Member, Place, Plan, Recipe, normalisation_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import code_hash, fingerprint, package_versions
from pipeline.foundation.parallel import map_cases
from pipeline.networks.registry import build_network, is_given
from pipeline.networks.weights import read_tensors, write_tensors
from pipeline.training import data_parallel
from pipeline.training.device import reproducible
from pipeline.training.inference import Description
from pipeline.training.state import Training, TrainingState
from pipeline.training.trainer import Trainer, TrainingParams

ARRAYS = ("embeddings", "logits", "probabilities", "view_probabilities", "view_embeddings")
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "SimpleITK")


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a case gives: embeddings float32 (n, E) and head probabilities (n,) of its rows, and the network's card.

    `logits` (n, K) are those of the K networks that are trained apart, corrected as the probabilities are.
    Of a network of V views their own probabilities (n, V) and embeddings (n, V, E') too, NaN where a view is missing.
    """

    case: Case
    embeddings: NDArray[np.float32]
    logits: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    card: dict[str, Any]
    losses: list[dict[str, Any]]
    weights: dict[str, Tensor] = field(default_factory=dict)
    view_probabilities: NDArray[np.float64] | None = None
    view_embeddings: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class _Trained:
    """A member's share of a case."""

    description: Description
    training: Training
    weights: dict[str, Tensor]
    about: dict[str, Any]


def describe_case(case: Case, *, plan: Plan, place: Place) -> Described:
    """Train the networks of one case (not frozen ones) and describe its images.

    The seed of each is drawn from the recipe's seed, its name and the job, so that it is the same in any order of work
    and in any company. Head probabilities are corrected for class weights to the prevalence of the training images
    (Elkan 2001).
    """
    parts = {member.network.name: _trained(case, member=member, place=place) for member in plan.members}
    logits = np.stack([part.description.logits - np.log(part.training.weight_ratio) for part in parts.values()], axis=1)
    embeddings = np.concatenate([part.description.embeddings for part in parts.values()], axis=1)
    alone = next(iter(parts.values()))
    views, ratio = alone.description.view_logits, alone.training.weight_ratio
    return Described(
        case=case,
        embeddings=embeddings,
        logits=logits.astype(np.float64),
        probabilities=_probabilities(logits, case=case, plan=plan),
        card=_card(case.job, plan=plan, parts=parts, device=torch.device(place.device))
        | {"embedding_width": int(embeddings.shape[1])},
        losses=[
            {"resample": case.job.resample, "part": case.job.part, "network": name, **asdict(epoch)}
            for name, part in parts.items()
            for epoch in part.training.epochs
        ],
        weights=alone.weights
        if len(parts) == 1
        else {f"{name}.{key}": value for name, part in parts.items() for key, value in part.weights.items()},
        view_probabilities=None if views is None else expit(views - np.log(ratio)),
        view_embeddings=alone.description.view_embeddings,
    )


def _trained(case: Case, *, member: Member, place: Place) -> _Trained:
    """Build the member, train it on the job's patients, and let it describe the rows of the case."""
    job, recipe, network, cohort = case.job, member.recipe, member.network, member.cohort
    seed = int(fingerprint(recipe.seed, network.name, job.name)[:12], 16)
    device, training = torch.device(place.device), Training()
    grown = next((part.settings for part in (network, *network.parts) if hasattr(part.settings, "progressive")), None)
    tf32 = recipe.training.precision == "tf32"
    with reproducible(seed=seed, threads=recipe.training.torch_threads, device=device, tf32=tf32):
        trainer = Trainer(
            build_network(network),
            params=recipe.training,
            strengths=recipe.augmentation,
            normalise=normalisation_of(network, recipe),
            device=device,
            progressive=None if grown is None else grown.progressive,
            train_size_px=None if grown is None else grown.train_size_px,
            loaders=place.loaders,
        )
        if job.trained:
            training = _fitted(trainer, case=case, member=member, place=place, seed=seed)
        shown = cohort.examples(case.rows)
        description = trainer.describer.describe(shown.pixels, present=shown.present)
        weights = trainer.weights() if _is_kept(job, recipe) else {}
    if not (np.isfinite(description.logits).all() and np.isfinite(description.embeddings).all()):
        raise PipelineError(
            f"{_named(case, member)}: gives values that are no numbers; lower training.learning_rate or set "
            "training.gradient_clip_norm in params/embed.yaml, or check the given weights"
        )
    about = _about(member, training=training) | {
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
    }
    return _Trained(description=description, training=training, weights=weights, about=about)


def _fitted(trainer: Trainer, *, case: Case, member: Member, place: Place, seed: int) -> Training:
    job, cohort, name = case.job, member.cohort, member.network.name
    unseen = job.scored if job.part == ALL else job.described
    try:
        return trainer.fit(
            cohort.examples(cohort.inputs.rows_of(job.trained)),
            forbidden=frozenset(cohort.groups[patient] for patient in unseen),
            seed=seed,
            state=state_of(case, network=name, store=place.store),
            board=None if place.board is None else curves_folder(place.board, case=case, network=name),
        )
    except PipelineError as error:
        raise PipelineError(f"{_named(case, member)}: {error}") from error


def _named(case: Case, member: Member) -> str:
    return f"network {member.network.name}, resample {case.job.resample}, part {case.job.part}"


def state_of(case: Case, *, network: str, store: CheckpointStore | None) -> TrainingState:
    """The unfinished training of a network of this case."""
    return TrainingState(None if store is None else state_path(store, case=case, network=network))


def _probabilities(logits: NDArray[np.float64], *, case: Case, plan: Plan) -> NDArray[np.float64]:
    if logits.shape[1] == 1:
        return np.asarray(expit(logits[:, 0]), dtype=np.float64)
    if plan.combine == "mean" or not case.job.trained:
        return averaged(logits)
    cohort, patients = plan.cohort, [plan.cohort.inputs.patient_ids[row] for row in case.rows]
    unseen = case.job.described - case.job.scored  # training patients of the resample, none of whom a member has seen
    return stacked(
        logits,
        labels=np.array([cohort.labels[patient] for patient in patients]),
        patients=patients,
        unseen=np.array([patient in unseen for patient in patients], dtype=np.bool_),
    )


def _is_kept(job: Job, recipe: Recipe) -> bool:
    return bool(job.trained) and (recipe.keep_weights == "all" or job.resample == FINAL)


def _about(member: Member, *, training: Training) -> dict[str, Any]:
    """What is recorded of a member; no path but file names, so that the card is the same in every folder."""
    recipe, network = member.recipe, member.network
    return {
        "settings": _told(network.settings),
        "parts": {part.name: _told(part.settings) for part in network.parts},
        "input": recipe.input.model_dump(mode="json"),
        "normalisation": normalisation_of(network, recipe),
        "n_validation_patients": training.n_validation_patients,
        "epochs_run": len(training.epochs),
    }


def _told(settings: Any) -> dict[str, Any]:
    told: dict[str, Any] = settings.model_dump(mode="json")
    told["weights"]["file"] = Path(told["weights"]["file"]).name
    return told


def _card(job: Job, *, plan: Plan, parts: Mapping[str, _Trained], device: torch.device) -> dict[str, Any]:
    """What is recorded of a network: of its members together, then of each (of the only one without its name)."""
    recipe, cohort = plan.recipe, plan.cohort
    with_image = frozenset(cohort.inputs.patient_ids)
    trained = sorted(job.trained & with_image)
    events = sum(cohort.labels[patient] for patient in trained)
    each = {name: part.about for name, part in parts.items()}
    if len(each) == 1:
        own = next(iter(each.values()))
    else:
        own = {
            "settings": _told(plan.settings),
            "members": each,
            "n_validation_patients": min(about["n_validation_patients"] for about in each.values()),
            "epochs_run": max(about["epochs_run"] for about in each.values()),
            "parameters": sum(about["parameters"] for about in each.values()),
        }
    return own | {
        "network": plan.name,
        "resample": job.resample,
        "part": job.part,
        "strategy": recipe.strategy,
        "trained_on": recipe.trained_on if any(is_given(member.network) for member in plan.members) else None,
        "training": recipe.training.model_dump(mode="json"),
        "augmentation": recipe.augmentation.model_dump(mode="json"),
        "n_patients": len(trained),
        "n_events": events,
        "n_images": len(cohort.inputs.rows_of(job.trained)),
        "prevalence": events / len(trained) if trained else None,
        "trained_ids_sha256": fingerprint(trained),
        "scored_without_image": sorted(job.scored - with_image),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }


def save_described(store: CheckpointStore, described: Described) -> None:
    """Keep a finished case; the tensors first, so that a case with a JSON file is whole."""
    arrays = {name: getattr(described, name) for name in ARRAYS}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items() if array is not None}
    tensors |= {f"network/{name}": tensor for name, tensor in described.weights.items()}
    write_tensors(tensors, store.path(described.case.name, suffix=".safetensors"))
    store.save(described.case.name, {"card": described.card, "losses": described.losses})


def load_described(store: CheckpointStore, case: Case) -> Described | None:
    """The stored result of a case, or None."""
    kept = store.load(case.name)
    if kept is None:
        return None
    tensors = read_tensors(store.path(case.name, suffix=".safetensors"))
    arrays: dict[str, Any] = {name: tensors.pop(name).numpy() for name in ARRAYS if name in tensors}
    return Described(
        case=case,
        **arrays,
        weights={name.removeprefix("network/"): tensor for name, tensor in tensors.items()},
        **kept,
    )


def store_key(params: EmbedParams, *, plan: Plan, splits: pd.DataFrame, device: str) -> str:
    """The name of a store of cases: a hash of all that a case depends on."""
    chosen = params.model_dump(mode="json", exclude={"nets"})
    inputs = fingerprint(*(member.cohort.sha256() for member in plan.members), splits.to_csv(index=False))
    return fingerprint(inputs, chosen, plan.name, plan.recipe.seed, device, code_hash(), package_versions(PACKAGES))


def describe(
    cases: Sequence[Case],
    *,
    plan: Plan,
    store: CheckpointStore,
    place: Place,
    workers: int,
    scheduler: str | None,
) -> Iterator[Described]:
    """Yield what each case gives: those in `store` first, then the others as they are done, which are stored.

    On a GPU, and where several processes share a batch, the cases run one after another in this process, and `workers`
    processes load its images.
    """
    missing = []
    for case in cases:
        stored = load_described(store, case)
        if stored is None:
            missing.append(case)
        else:
            yield stored
    missing.sort(key=lambda case: -len(case.job.trained))  # the longest first, so that no worker is left waiting
    here = place.device != "cpu" or data_parallel.size() > 1
    place = replace(place, store=store, loaders=workers if here and place.device != "cpu" else 0)
    work = partial(describe_case, plan=plan, place=place)
    for described in map_cases(work, missing, workers=1 if here else workers, scheduler=None if here else scheduler):
        if data_parallel.rank() == 0:
            save_described(store, described)
            for member in plan.members:
                state_of(described.case, network=member.network.name, store=store).remove()
        yield described


def ran_all_epochs(results: Sequence[Described], *, training: TrainingParams) -> str | None:
    """A sentence where early stopping is asked for and networks had too few events to hold any out, else None."""
    trained = [result for result in results if result.case.job.trained]
    few = [result for result in trained if result.card["n_validation_patients"] == 0]
    if not training.early_stopping.enabled or not few:
        return None
    return (
        f"{len(few)} of {len(trained)} networks ran all {training.epochs} epochs: the part held out for early stopping "
        f"would have fewer than {training.early_stopping.min_events} events (early_stopping in params/embed.yaml)"
    )
