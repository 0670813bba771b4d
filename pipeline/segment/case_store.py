"""Runs the cases of segmentation and keeps the finished ones on disk until the stage is done."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import code_hash, file_sha256, fingerprint, package_versions
from pipeline.networks.weights import read_tensors, write_tensors
from pipeline.segment.cases import (
    STATE,
    Segmented,
    SegmentPlace,
    SegmentPlan,
    curves_folder,
    segment_case,
    state_of,
)
from pipeline.segment.jobs import SegmentJob
from pipeline.segment.pictures import Picture
from pipeline.training.board import epochs_done
from pipeline.training.trained_cases import loaders_of, trained_cases

log = logging.getLogger(__name__)
PACKAGES = ("torch", "torchvision", "timm", "segmentation-models-pytorch", "monai", "numpy", "scipy", "SimpleITK")
MASK, PROBABILITY, NETWORK = "mask/", "probability/", "network/"


def save_segmented(store: CheckpointStore, found: Segmented) -> None:
    """Store a finished case; the tensors first, so that a case with a JSON file is complete."""
    masks = {f"{MASK}{name}": torch.from_numpy(np.packbits(mask)) for name, mask in found.masks.items()}
    probabilities = {f"{PROBABILITY}{name}": torch.from_numpy(one) for name, one in found.probabilities.items()}
    weights = {f"{NETWORK}{name}": tensor for name, tensor in found.weights.items()}
    write_tensors(masks | probabilities | weights, store.path(found.job.name, suffix=".safetensors"))
    shapes = {name: list(mask.shape) for name, mask in found.masks.items()}
    store.save(found.job.name, {"rows": found.rows, "card": found.card, "losses": found.losses, "shapes": shapes})


def load_segmented(store: CheckpointStore, job: SegmentJob) -> Segmented | None:
    """The stored result of a case, or None; a case whose tensors are missing or damaged is deleted, and is none."""
    kept = store.load(job.name)
    if kept is None:
        return None
    try:
        tensors = read_tensors(store.path(job.name, suffix=".safetensors"))
        masks = {name: _unpacked(tensors[f"{MASK}{name}"], tuple(shape)) for name, shape in kept.pop("shapes").items()}
    except (PipelineError, KeyError):
        log.warning("%s: its tensors are missing or damaged; this network is trained again", job.name)
        store.discard(job.name)
        return None
    return Segmented(
        job=job,
        masks=masks,
        probabilities={name: tensor.numpy() for name, tensor in _with_prefix(tensors, PROBABILITY).items()},
        weights=_with_prefix(tensors, NETWORK),
        **kept,
    )


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _unpacked(bits: Tensor, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.unpackbits(bits.numpy(), count=int(np.prod(shape))).reshape(shape)


def store_key(plan: SegmentPlan, *, jobs: Sequence[SegmentJob], device: str) -> str:
    """The name of a store of cases: a hash of everything that a case depends on."""
    wanted = [(job.name, sorted(job.trained), sorted(job.predicted.items()), sorted(job.extra.items())) for job in jobs]
    settings = plan.params.model_dump(mode="json")
    about = (plan.seed, plan.parity, plan.masks_by, plan.glands, plan.groups, plan.training.sha256())
    predicted = [_content(one) for _, pictures in sorted(plan.pictures.items()) for one in pictures]
    return fingerprint(wanted, settings, about, predicted, device, code_hash(), package_versions(PACKAGES))


def _content(picture: Picture) -> tuple[object, ...]:
    """What a prediction and its score depend on."""
    files = [one for one in (picture.image, picture.lesion) if one is not None]
    return picture.image_id, picture.spacing_mm, [file_sha256(one) if one.is_file() else None for one in files]


def forget_earlier(jobs: Sequence[SegmentJob], *, place: SegmentPlace, store: CheckpointStore) -> None:
    """Remove the curves of trainings that are neither finished nor begun in `store`: those of an earlier run."""
    for job in jobs:
        if not (store.path(job.name).exists() or store.path(job.name, suffix=STATE).exists()):
            folder = curves_folder(job, place=place)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def under_way(jobs: Sequence[SegmentJob], *, plan: SegmentPlan, place: SegmentPlace, store: CheckpointStore) -> float:
    """The work done on unfinished jobs, in jobs: 1.5 is one and a half (or three halves)."""
    folders = [curves_folder(job, place=place) for job in jobs if not store.path(job.name).exists()]
    return sum(epochs_done(folder) for folder in folders if folder is not None) / plan.params.training.epochs


def segment_cases(
    jobs: Sequence[SegmentJob],
    *,
    plan: SegmentPlan,
    store: CheckpointStore,
    place: SegmentPlace,
    workers: int,
    scheduler: str | None,
) -> Iterator[Segmented]:
    """Yield the result of each job as `trained_cases`; finished ones are kept in `store`."""
    place = replace(place, store=store, loaders=loaders_of(place.device, workers=workers))

    def save(done: Segmented) -> None:
        save_segmented(store, done)
        state_of(done.job, store=store).remove()

    yield from trained_cases(
        jobs,
        load=partial(load_segmented, store),
        compute=partial(segment_case, plan=plan, place=place),
        save=save,
        trained=lambda job: job.trained,
        device=place.device,
        workers=workers,
        scheduler=scheduler,
    )
