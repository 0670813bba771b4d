"""Runs the cases of a network and keeps the finished ones on disk until the stage is done."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import torch

from pipeline.embed.cases import EmbeddedCase, embed_case, state_of
from pipeline.embed.params import EmbedParams
from pipeline.embed.work_plan import Case, Place, Plan
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import code_hash, fingerprint, package_versions
from pipeline.networks.weights import read_tensors, write_tensors
from pipeline.plan.network_settings import network_settings
from pipeline.training.params import TrainingParams
from pipeline.training.trained_cases import loaders_of, trained_cases

log = logging.getLogger(__name__)
ARRAYS = ("embeddings", "logits", "probabilities", "view_probabilities", "view_embeddings")
# Keys of params/embed.yaml that every network uses, beside its own sections.
SHARED = ("strategy", "trained_on", "keep_weights", "input", "training", "augmentation")
PACKAGES = ("torch", "torchvision", "timm", "numpy", "scipy", "scikit-learn", "SimpleITK")


def save_embedded(store: CheckpointStore, found: EmbeddedCase) -> None:
    """Store a finished case; the tensors first, so that a case with a JSON file is complete."""
    arrays = {name: getattr(found, name) for name in ARRAYS}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items() if array is not None}
    tensors |= {f"network/{name}": tensor for name, tensor in found.weights.items()}
    write_tensors(tensors, store.path(found.case.name, suffix=".safetensors"))
    store.save(found.case.name, {"card": found.card, "losses": found.losses})


def load_embedded(store: CheckpointStore, case: Case) -> EmbeddedCase | None:
    """The stored result of a case, or None; a case whose tensors are missing or damaged is deleted, and is none."""
    kept = store.load(case.name)
    if kept is None:
        return None
    try:
        tensors = read_tensors(store.path(case.name, suffix=".safetensors"))
    except PipelineError:
        log.warning("%s: its tensors are missing or damaged; this network is trained again", case.name)
        store.discard(case.name)
        return None
    arrays: dict[str, Any] = {name: tensors.pop(name).numpy() for name in ARRAYS if name in tensors}
    return EmbeddedCase(
        case=case,
        **arrays,
        weights={name.removeprefix("network/"): tensor for name, tensor in tensors.items()},
        **kept,
    )


def store_key(params: EmbedParams, *, plan: Plan, splits: pd.DataFrame, device: str) -> str:
    """The name of a store of cases: a hash of everything that a case depends on."""
    content = params.model_dump(mode="json")
    chosen = {key: content[key] for key in SHARED} | network_settings(content, net=plan.name)
    inputs = fingerprint(*(member.cohort.sha256() for member in plan.members), splits.to_csv(index=False))
    return fingerprint(inputs, chosen, plan.name, plan.recipe.seed, device, code_hash(), package_versions(PACKAGES))


def embed_cases(
    cases: Sequence[Case],
    *,
    plan: Plan,
    store: CheckpointStore,
    place: Place,
    workers: int,
    scheduler: str | None,
) -> Iterator[EmbeddedCase]:
    """Yield the result of each case as `trained_cases`; finished ones are kept in `store`."""
    place = replace(place, store=store, loaders=loaders_of(place.device, workers=workers))

    def save(done: EmbeddedCase) -> None:
        save_embedded(store, done)
        for member in plan.members:
            state_of(done.case, network=member.network.name, store=store).remove()

    yield from trained_cases(
        cases,
        load=partial(load_embedded, store),
        compute=partial(embed_case, plan=plan, place=place),
        save=save,
        trained=lambda case: case.job.trained,
        device=place.device,
        workers=workers,
        scheduler=scheduler,
    )


def ran_all_epochs(results: Sequence[EmbeddedCase], *, training: TrainingParams) -> str | None:
    """A message if early stopping is enabled but networks had too few events to hold any out, else None."""
    trained = [result for result in results if result.case.job.trained]
    few = [result for result in trained if result.card["n_validation_patients"] == 0]
    if not training.early_stopping.enabled or not few:
        return None
    return (
        f"{len(few)} of {len(trained)} networks ran all {training.epochs} epochs: the validation set of early stopping "
        f"would have fewer than {training.early_stopping.min_events} events (early_stopping in params/embed.yaml)"
    )
