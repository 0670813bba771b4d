"""The networks of a bundle: their weights of resample `final`, those of frozen networks whole."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.foundation.errors import PipelineError
from pipeline.networks.registry import build_network
from pipeline.predict.bundle import network_name
from pipeline.predict.finished_study import AGAIN, FinishedStudy


def network_files(study: FinishedStudy, *, net: str, parts: list[str]) -> dict[str, bytes]:
    """The weights of a network by their name in the bundle: one file per part, or one for all of a frozen network.

    Raises PipelineError if the study kept no weights of it, or was insample.
    """
    strategy = study.embed.strategy_of(net)
    if strategy == "insample":
        raise PipelineError(f"network {net} was trained in-sample, for comparison only; no bundle is made of it")
    if strategy == "frozen":
        return {network_name(net, ALL): _frozen(study, net=net)}
    folder = study.data / "networks" / net
    return {network_name(net, part): _without_metadata(folder / f"{FINAL}_{part}.safetensors") for part in parts}


def weight_ratios(study: FinishedStudy, *, net: str, parts: list[str]) -> dict[str, tuple[float, ...]]:
    """By part: the weight of an event to a non-event in the loss of each member network, which corrects its logit."""
    if study.embed.strategy_of(net) == "frozen":
        return {}
    found = {}
    members = [member.name for member in study.embed.members_of(net)]
    for part in parts:
        card = _card(study.data / "networks" / net / f"{FINAL}_{part}.json")
        each = card.get("members", {net: card})
        try:
            found[part] = tuple(float(each[name]["weight_ratio"]) for name in members)
        except KeyError as error:
            raise PipelineError(f"network {net}: its card has no {error}; {AGAIN}") from error
    return found


def _card(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PipelineError(f"{path}: there is no such card of a network, or it is damaged; {AGAIN}") from error
    return content


def _without_metadata(path: Path) -> bytes:
    if not path.is_file():
        raise PipelineError(f"{path}: there are no such weights; {AGAIN}")
    with safe_open(path, framework="pt") as file:
        return save({name: file.get_tensor(name) for name in sorted(file.keys())})


def _frozen(study: FinishedStudy, *, net: str) -> bytes:
    members = study.embed.members_of(net)
    weights: dict[str, torch.Tensor] = {}
    for member in members:
        with torch.random.fork_rng():
            torch.manual_seed(study.seed)  # of a head that was never trained and that no embedding depends on
            state = build_network(member).state_dict()
        prefix = f"{member.name}." if len(members) > 1 else ""
        weights |= {f"{prefix}{name}": value.contiguous() for name, value in state.items()}
    return save(dict(sorted(weights.items())))
