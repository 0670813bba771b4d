"""One case of the embedding work: build a network, train it, embed images with it; and its checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit
from torch import Tensor

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.embed.frozen import encode_frozen
from pipeline.embed.late_fusion import averaged, stacked
from pipeline.embed.progress import curves_folder, state_path
from pipeline.embed.strategy import Job
from pipeline.embed.work_plan import Case, Member, Place, Plan, Recipe, normalisation_of
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.networks.registry import build_network, is_given
from pipeline.networks.timm_backbone import bfloat16_effect
from pipeline.training.device import reproducible
from pipeline.training.inference import Encoder, Encoding
from pipeline.training.state import Training, TrainingState
from pipeline.training.trainer import Trainer


@dataclass(frozen=True, kw_only=True)
class EmbeddedCase:
    """The result of a case: embeddings float32 (n, E) of its rows, probabilities (n,), and the network's card.

    The probabilities are head probabilities, those of the network's classification head. `logits` (n, K) are those of
    the K networks that are trained separately, corrected as the probabilities are. Of a network of V views also the
    probabilities (n, V) of each view, NaN where it is missing, and their embeddings (n, V, E').
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
    """The result of one member network in a case."""

    encoding: Encoding
    training: Training
    weights: dict[str, Tensor]
    about: dict[str, Any]


def embed_case(case: Case, *, plan: Plan, place: Place) -> EmbeddedCase:
    """Train the networks of one case (not frozen ones) and embed its images.

    The seed of each is derived from the recipe's seed, its name and the job, so that it depends neither on the order of
    the work nor on which other networks run. Head probabilities are corrected for class weights to the prevalence of
    the training images (Elkan 2001).
    """
    members = {member.network.name: _trained(case, member=member, place=place) for member in plan.members}
    logits = np.stack([one.encoding.logits - np.log(one.training.weight_ratio) for one in members.values()], axis=1)
    embeddings = np.concatenate([one.encoding.embeddings for one in members.values()], axis=1)
    first = next(iter(members.values()))
    views, ratio = first.encoding.view_logits, first.training.weight_ratio
    return EmbeddedCase(
        case=case,
        embeddings=embeddings,
        logits=logits.astype(np.float64),
        probabilities=_probabilities(logits, case=case, plan=plan),
        card=_card(case.job, plan=plan, members=members, device=torch.device(place.device))
        | {"embedding_width": int(embeddings.shape[1])},
        losses=[
            {"resample": case.job.resample, "part": case.job.part, "network": name, **asdict(epoch)}
            for name, one in members.items()
            for epoch in one.training.epochs
        ],
        weights=first.weights
        if len(members) == 1
        else {f"{name}.{key}": value for name, one in members.items() for key, value in one.weights.items()},
        view_probabilities=None if views is None else expit(views - np.log(ratio)),
        view_embeddings=first.encoding.view_embeddings,
    )


def _trained(case: Case, *, member: Member, place: Place) -> _Trained:
    """Build the member, train it on the job's patients, and embed the rows of the case."""
    job, recipe, network = case.job, member.recipe, member.network
    seed = int(fingerprint(recipe.seed, network.name, job.name)[:12], 16)
    device, training = torch.device(place.device), Training()
    settings = [one.settings for one in (network, *network.parts)]
    scheduled = next((one for one in settings if hasattr(one, "progressive")), None)
    tf32 = recipe.training.precision == "tf32"
    with reproducible(seed=seed, threads=recipe.training.torch_threads, device=device, tf32=tf32):
        trainer = Trainer(
            build_network(network),
            params=recipe.training,
            strengths=recipe.augmentation,
            normalise=normalisation_of(network, recipe),
            device=device,
            progressive=None if scheduled is None else scheduled.progressive,
            train_size_px=None if scheduled is None else scheduled.train_size_px,
            loaders=place.loaders,
        )
        if job.trained:
            training = _fitted(trainer, case=case, member=member, place=place, seed=seed)
        encoding, effect = _encoded(trainer.encoder, case, member=member, place=place)
        weights = trainer.weights() if _is_kept(job, recipe) else {}
    if not (np.isfinite(encoding.logits).all() and np.isfinite(encoding.embeddings).all()):
        raise PipelineError(
            f"{_named(case, member)}: gives values that are not finite; lower training.learning_rate or set "
            "training.gradient_clip_norm in params/embed.yaml, or check the given weights"
        )
    about = _about(member, training=training) | {
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in trainer.network.parameters()),
        **effect,
    }
    return _Trained(encoding=encoding, training=training, weights=weights, about=about)


def _encoded(encoder: Encoder, case: Case, *, member: Member, place: Place) -> tuple[Encoding, dict[str, float]]:
    """The encoding of the images in the precision of the network's settings, and for the card how far the embeddings of
    the first batch are from those in float32 if that is another one.
    """
    network, examples = member.network, member.cohort.examples(case.rows)
    chosen = replace(encoder, precision=getattr(network.settings, "inference_precision", encoder.precision))
    if case.job.trained:
        encoding = chosen.encode(examples.pixels, present=examples.present)
    else:
        encoding = encode_frozen(chosen, examples, network=network, store=place.kept)
    if chosen.precision == encoder.precision:
        return encoding, {}
    first = encoder.encode(examples.pixels[: encoder.batch_size]).embeddings
    return encoding, {"bfloat16_effect": bfloat16_effect(first, encoding.embeddings[: len(first)])}


def _fitted(trainer: Trainer, *, case: Case, member: Member, place: Place, seed: int) -> Training:
    job, cohort, name = case.job, member.cohort, member.network.name
    unseen = job.scored if job.part == ALL else job.embedded
    try:
        return trainer.fit(
            cohort.examples(cohort.inputs.rows_of(job.trained, resample=job.resample)),
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
    unseen = case.job.embedded - case.job.scored  # training patients of the resample that no member was trained on
    return stacked(
        logits,
        labels=np.array([cohort.labels[patient] for patient in patients]),
        patients=patients,
        unseen=np.array([patient in unseen for patient in patients], dtype=np.bool_),
    )


def _is_kept(job: Job, recipe: Recipe) -> bool:
    return bool(job.trained) and (recipe.keep_weights == "all" or job.resample == FINAL)


def _about(member: Member, *, training: Training) -> dict[str, Any]:
    """What the card records of a member; file names without paths, so that the card is the same in every folder."""
    recipe, network = member.recipe, member.network
    normalisation = normalisation_of(network, recipe)
    return {
        "settings": _recorded(network.settings),
        "parts": {part.name: _recorded(part.settings) for part in network.parts},
        "input": recipe.input.model_dump(mode="json"),
        "normalisation": normalisation if isinstance(normalisation, str) else normalisation._asdict(),
        "n_validation_patients": training.n_validation_patients,
        "weight_ratio": training.weight_ratio,  # of an event to a non-event in the loss; logits are corrected by it
        "epochs_run": len(training.epochs),
    }


def _recorded(settings: Any) -> dict[str, Any]:
    recorded: dict[str, Any] = settings.model_dump(mode="json")
    recorded["weights"]["file"] = Path(recorded["weights"]["file"]).name
    return recorded


def _card(job: Job, *, plan: Plan, members: Mapping[str, _Trained], device: torch.device) -> dict[str, Any]:
    """The card of a network: its members together, then each of them (a single one without its name)."""
    recipe, cohort = plan.recipe, plan.cohort
    with_image = frozenset(cohort.inputs.patient_ids)
    trained = sorted(job.trained & with_image)
    events = sum(cohort.labels[patient] for patient in trained)
    each = {name: one.about for name, one in members.items()}
    if len(each) == 1:
        own = next(iter(each.values()))
    else:
        own = {
            "settings": _recorded(plan.settings),
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
        "n_images": len(cohort.inputs.rows_of(job.trained, resample=job.resample)),
        "prevalence": events / len(trained) if trained else None,
        "trained_ids_sha256": fingerprint(trained),
        "scored_without_image": sorted(job.scored - with_image),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }
