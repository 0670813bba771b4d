"""Embeddings and logits of new images by the networks of a bundle, as `embed` writes them for a study."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from pipeline.contracts.data.embed import LOGIT
from pipeline.embed.work_plan import Member, Plan, normalisation_of, plan_of
from pipeline.foundation.decimals import as_in_csv
from pipeline.foundation.errors import ImageError, PipelineError
from pipeline.networks.inputs import read_roi_inputs
from pipeline.networks.registry import Network, build_network
from pipeline.networks.weights import WeightsParams, load_weights
from pipeline.predict.bundle import Bundle
from pipeline.training.device import reproducible
from pipeline.training.inference import Encoder, Encoding

CPU = torch.device("cpu")
RANDOM = WeightsParams(source="none")
Frames = dict[tuple[str, str], pd.DataFrame]


def network_features(bundle: Bundle, rois: pd.DataFrame, *, folder: Path) -> Frames:
    """By block (a network or its logit) and part: the features, index image_id, or patient_id for a network of several
    views. `rois` as `rois.csv`, with an ROI of status ok or more, its files in `folder`.

    Every image is embedded by itself, on the CPU, so that a patient alone and one among many get the same numbers.
    Raises PipelineError if the weights do not fit or an ROI cannot be used.
    """
    found: Frames = {}
    for net in bundle.networks:
        plan = _plan(bundle, net=net, rois=rois, folder=folder)
        for part in bundle.about.parts:
            encodings = _encodings(bundle, plan, part=part)
            if net in bundle.about.blocks:
                found[net, part] = _embeddings(plan, encodings)
            if f"{net}{LOGIT}" in bundle.about.blocks:
                ratios = bundle.about.weight_ratios[net][part]
                found[f"{net}{LOGIT}", part] = _logits(plan, encodings, ratios=ratios)
    return found


def _plan(bundle: Bundle, *, net: str, rois: pd.DataFrame, folder: Path) -> Plan:
    ids = sorted(set(rois["patient_id"]))
    patients = pd.DataFrame({"patient_id": ids, "label": 0, "group_id": ids})  # labels are not used: nothing is trained
    read = partial(read_roi_inputs, rois, folder=folder)
    about = bundle.about
    try:
        return plan_of(about.settings.embed, net=net, seed=about.seed, patients=patients, read=read, every_view=False)
    except ImageError as error:
        raise PipelineError(f"network {net}: {error}") from error


def _encodings(bundle: Bundle, plan: Plan, *, part: str) -> list[Encoding]:
    """The encoding of all images by each member network."""
    try:
        weights = load(bundle.network(plan.name, part))
    except SafetensorError as error:
        raise PipelineError(f"{bundle.place}: the weights of {plan.name} are damaged ({error})") from error
    several = len(plan.members) > 1
    found = []
    for member in plan.members:
        prefix = f"{member.network.name}." if several else ""
        own = {key.removeprefix(prefix): value for key, value in weights.items() if key.startswith(prefix)}
        found.append(_encoded(member, own, seed=bundle.about.seed, place=f"{bundle.place}: {plan.name}, part {part}"))
    return found


def _encoded(member: Member, weights: Mapping[str, Tensor], *, seed: int, place: str) -> Encoding:
    training, network = member.recipe.training, member.network
    examples = member.cohort.examples(np.arange(len(member.cohort.inputs.pixels)))
    with reproducible(seed=seed, threads=training.torch_threads, device=CPU):
        module: Any = build_network(_without_weights(network)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        load_weights(module, weights, place=place, head=network.architecture.head)
        encoder = Encoder(
            network=module,
            normalise=normalisation_of(network, member.recipe),
            device=CPU,
            batch_size=training.batch_size,
            precision=getattr(network.settings, "inference_precision", "float32"),
        )
        return encoder.encode(examples.pixels, present=examples.present)


def _without_weights(network: Network) -> Network:
    """The same network to be built with random weights, which those of the bundle replace."""
    settings = network.settings.model_copy(update={"weights": RANDOM})
    return replace(network, settings=settings, parts=tuple(_without_weights(part) for part in network.parts))


def _embeddings(plan: Plan, encodings: list[Encoding]) -> pd.DataFrame:
    matrix = np.concatenate([encoding.embeddings for encoding in encodings], axis=1)
    names = [f"{plan.name}_{index:04d}" for index in range(matrix.shape[1])]
    frame = _by_id(plan, matrix, names=names)
    values = frame.to_numpy()
    return frame if values.dtype == np.float64 else pd.DataFrame(as_in_csv(values), frame.index, frame.columns)


def _logits(plan: Plan, encodings: list[Encoding], *, ratios: tuple[float, ...]) -> pd.DataFrame:
    matrix = np.stack([one.logits - np.log(ratio) for one, ratio in zip(encodings, ratios, strict=True)], axis=1)
    return _by_id(plan, matrix, names=[f"{member.network.name}{LOGIT}" for member in plan.members])


def _by_id(plan: Plan, matrix: NDArray[Any], *, names: list[str]) -> pd.DataFrame:
    """One row per image, or per patient (the mean over its pairs) for a network of views."""
    inputs = plan.cohort.inputs
    if inputs.present is None:
        return pd.DataFrame(matrix, index=pd.Index(inputs.image_ids, name="image_id", dtype="str"), columns=names)
    table = pd.DataFrame(matrix, columns=names)
    return table.groupby(pd.Index(inputs.patient_ids, name="patient_id", dtype="str")).mean()
