"""One case of segmentation: train a network, predict the masks of patients that it has not seen, and score them."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.contracts.data.split import FINAL
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import ImageError, PipelineError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import array_of, read_image
from pipeline.networks.encoder_unet import statistics_of_encoder
from pipeline.networks.inputs import Normalisation
from pipeline.networks.mask_registry import build_mask_network
from pipeline.networks.params import NEEDS_GLAND
from pipeline.segment.evaluation import image_metrics
from pipeline.segment.frames import at_own_size, frame_of
from pipeline.segment.images import TrainingPictures
from pipeline.segment.jobs import SegmentJob
from pipeline.segment.params import SegmentParams
from pipeline.segment.pictures import Picture
from pipeline.segment.postprocess import postprocessed
from pipeline.segment.probability import gland_dice, mask_probability
from pipeline.training.device import reproducible
from pipeline.training.inference import Encoder
from pipeline.training.mask_task import MaskTask
from pipeline.training.state import Training, TrainingState
from pipeline.training.trainer import Trainer

STATE = ".epoch"  # suffix of the file of an unfinished training
EMPTY = "the network marks no voxel as lesion after post-processing"


@dataclass(frozen=True, kw_only=True)
class SegmentPlan:
    """What all cases share: settings, seed, the slices for the training, and the pictures to predict by patient_id;
    whether `parity` marks the tables (published faults in the settings or the masks).
    """

    params: SegmentParams
    seed: int
    parity: bool
    training: TrainingPictures
    glands: tuple[str, ...]
    pictures: dict[str, list[Picture]]
    groups: dict[str, str]
    masks_by: str | None


@dataclass(frozen=True, kw_only=True)
class SegmentPlace:
    """Where a case is computed: device, loader processes, folder of unfinished trainings and of curves."""

    device: str
    loaders: int = 0
    store: CheckpointStore | None = None
    board: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """The result of a case: one row per image it predicts, the predicted masks by image_id if they are needed, the
    probabilities of the images of held-out cohorts by image_id if an ensemble needs them, the card and the losses.
    """

    job: SegmentJob
    rows: list[dict[str, Any]]
    card: dict[str, Any]
    losses: list[dict[str, Any]]
    masks: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    probabilities: dict[str, NDArray[np.float16]] = field(default_factory=dict)
    weights: dict[str, Tensor] = field(default_factory=dict)


def segment_case(job: SegmentJob, *, plan: SegmentPlan, place: SegmentPlace) -> Segmented:
    """Train the network of a job on the given masks of its patients, predict and score.

    The seed is derived from the seed, the network and the job. Raises PipelineError that names the job if the training
    diverges.
    """
    params, device = plan.params, torch.device(place.device)
    seed = int(fingerprint(plan.seed, "segment", job.name)[:12], 16)
    held = _held_out_glands(plan, seed=seed)
    with reproducible(
        seed=seed, threads=params.training.torch_threads, device=device, tf32=params.training.precision == "tf32"
    ):
        network = build_mask_network(job.network, params=params.network)
        trainer, training, rows = _fitted(job, network, plan=plan, place=place, seed=seed, held=held)
        found = _Predictions(trainer.encoder, job=job, plan=plan)
        found.predict()
        glands = gland_dice(trainer.encoder, plan.training, blocks=held) if job.network in NEEDS_GLAND else None
    about = {"network": job.network, "resample": job.resample, "part": job.part}
    card = about | {
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        **_trained_on(job, plan=plan, rows=rows),
        "learns_gland": job.network in NEEDS_GLAND,
        "trained_on": params.network.encoder_weights.trained_on
        if has_given_encoder(job.network, params=params)
        else None,
        "gland_blocks_held_out": sorted(held) if job.network in NEEDS_GLAND else [],
        "gland_dice_mean": glands,
        "epochs_run": len(training.epochs),
        "settings": params.model_dump(mode="json", exclude={"networks", "mask_source", "bootstrap", "gland"}),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }
    return Segmented(
        job=job,
        rows=found.rows,
        card=card,
        losses=[about | asdict(epoch) for epoch in training.epochs],
        masks=found.masks,
        probabilities=found.probabilities,
        weights=trainer.weights() if job.resample == FINAL else {},
    )


def _trained_on(job: SegmentJob, *, plan: SegmentPlan, rows: NDArray[np.intp]) -> dict[str, Any]:
    """For the card: how many patients and slices these rows are, the hash of the patients, and the training patients
    with a mask that taught nothing (a lesion too small for the size of the network).
    """
    patients = {plan.training.pictures[row].patient_id for row in rows} - {""}
    with_gland = job.network in NEEDS_GLAND
    marked = {
        patient
        for patient in job.trained
        for one in plan.pictures.get(patient, ())
        if one.lesion is not None or (with_gland and one.gland is not None)
    }
    return {
        "n_patients": len(patients),
        "n_slices": len(rows),
        "trained_ids_sha256": fingerprint(sorted(patients)),
        "without_usable_mask": sorted(marked - patients),
    }


def _held_out_glands(plan: SegmentPlan, *, seed: int) -> frozenset[str]:
    """The blocks of gland images that this network is scored on and not trained on."""
    count = round(plan.params.gland.held_out * len(plan.glands))
    order = np.random.default_rng([seed, 1]).permutation(len(plan.glands))
    return frozenset(plan.glands[place] for place in order[:count])


def _fitted(
    job: SegmentJob,
    network: torch.nn.Module,
    *,
    plan: SegmentPlan,
    place: SegmentPlace,
    seed: int,
    held: frozenset[str],
) -> tuple[Trainer, Training, NDArray[np.intp]]:
    params = plan.params
    rows, task = _rows_and_task(job, plan=plan, held=held)
    trainer = Trainer(
        network,
        params=params.training,
        strengths=params.augmentation,
        normalise=normalisation_of(job.network, params=params),
        device=torch.device(place.device),
        loaders=place.loaders,
        task=task,
    )
    try:
        training = trainer.fit(
            plan.training.examples(rows),
            forbidden=frozenset(plan.groups[patient] for patient in (*job.predicted, *job.extra)) | held,
            seed=seed,
            state=state_of(job, store=place.store),
            board=curves_folder(job, place=place),
        )
    except PipelineError as error:
        raise PipelineError(f"network {job.name.replace('/', ', ')}: {error}") from error
    return trainer, training, rows


def _rows_and_task(job: SegmentJob, *, plan: SegmentPlan, held: frozenset[str]) -> tuple[NDArray[np.intp], MaskTask]:
    """The slices that the network of a job is trained on, and what it learns from them."""
    params, with_gland = plan.params, job.network in NEEDS_GLAND
    glands = frozenset(plan.glands) - held if with_gland else frozenset[str]()
    rows = plan.training.rows(patients=job.trained, glands=glands)
    task = plan.training.task(rows, loss=params.loss_params, glands=with_gland)
    if not with_gland:  # an image of the cohort that has a gland alone teaches it nothing
        rows = rows[task.has_lesion]
        task = plan.training.task(rows, loss=params.loss_params, glands=False)
    if (usable := int(task.has_lesion.sum())) < 2:
        raise PipelineError(
            f"network {job.name.replace('/', ', ')}: training images that show a lesion at image_size_px "
            f"({params.input.image_size_px}) of params/segment.yaml: {usable}, and two are needed; raise it, or give "
            "more masks"
        )
    return rows, task


def normalisation_of(network: str, *, params: SegmentParams) -> Normalisation:
    """`auto` means the mean and SD that a given encoder is for, else each image's own."""
    if params.input.normalise != "auto":
        return params.input.normalise
    is_given = has_given_encoder(network, params=params)
    return statistics_of_encoder(params.network.encoder) if is_given else "image"


def has_given_encoder(network: str, *, params: SegmentParams) -> bool:
    """Whether a network starts from the weights of a file."""
    return network == "encoder_unet" and params.network.encoder_weights.source != "none"


def state_of(job: SegmentJob, *, store: CheckpointStore | None) -> TrainingState:
    """The unfinished training of a job."""
    return TrainingState(None if store is None else store.path(job.name, suffix=STATE))


def curves_folder(job: SegmentJob, *, place: SegmentPlace) -> Path | None:
    """The folder of the training curves of a job."""
    return None if place.board is None else place.board / job.name.replace("/", "_")


class _Predictions:
    """The rows, masks and probabilities of the images of a job."""

    def __init__(self, encoder: Encoder, *, job: SegmentJob, plan: SegmentPlan) -> None:
        self.encoder, self.job, self.plan = encoder, job, plan
        self.rows: list[dict[str, Any]] = []
        self.masks: dict[str, NDArray[np.uint8]] = {}
        self.probabilities: dict[str, NDArray[np.float16]] = {}

    def predict(self) -> None:
        """All images of the patients of the job."""
        is_needed = self.job.network == self.plan.masks_by
        for patient, evaluation in self.job.predicted.items():
            for picture in self.plan.pictures.get(patient, ()):
                mask = self._one(picture, evaluation=evaluation)
                if is_needed and mask is not None:
                    self.masks[picture.image_id] = mask
        for patient, evaluation in self.job.extra.items():
            for picture in self.plan.pictures.get(patient, ()):
                self._one(picture, evaluation=evaluation, kept=True)

    def _one(self, picture: Picture, *, evaluation: str, kept: bool = False) -> NDArray[np.uint8] | None:
        """Predict and score one image; one that cannot be read or scored is a row with its reason."""
        try:
            frame = frame_of(read_image(picture.image), params=self.plan.params.input)
            probability = mask_probability(self.encoder, frame.slices)
            mask = postprocessed(at_own_size(probability, frame), params=self.plan.params.postprocess)
            row = scored_row(mask, picture, job=self.job, evaluation=evaluation, plan=self.plan)
        except ImageError as error:
            reason = str(error).replace(f"{picture.image.parent}/", "")
            self.rows.append(
                scored_row(None, picture, job=self.job, evaluation=evaluation, plan=self.plan, reason=reason)
            )
            return None
        if kept:
            self.probabilities[picture.image_id] = probability.astype(np.float16)
        self.rows.append(row)
        return mask


def scored_row(
    mask: NDArray[np.uint8] | None,
    picture: Picture,
    *,
    job: SegmentJob,
    evaluation: str,
    plan: SegmentPlan,
    reason: str | None = None,
) -> dict[str, Any]:
    """The row of `segmentation.csv` of one image; `mask` None: it could not be predicted, for this `reason`."""
    given = None if picture.lesion is None else array_of(read_image(picture.lesion))
    status = "failed" if mask is None else "ok" if mask.any() else "empty"
    spacing = picture.spacing_mm if mask is not None and len(picture.spacing_mm or ()) == mask.ndim else None
    return {
        "network": job.network,
        "resample": job.resample,
        "image_id": picture.image_id,
        "patient_id": picture.patient_id,
        "evaluation": evaluation,
        "part": job.part,
        "mask_source": source_of(picture, params=plan.params),
        "status": status,
        "reason": EMPTY if status == "empty" else reason,
        **image_metrics(mask, given, spacing_mm=spacing, parity=plan.params.parity),
        "parity": int(plan.parity),
    }


def source_of(picture: Picture, *, params: SegmentParams) -> str:
    """Which mask of the image the study uses: given or predicted."""
    rule = params.mask_source
    return "predicted" if rule == "predicted" or (rule != "given" and picture.lesion is None) else "given"
