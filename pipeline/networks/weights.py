"""Weights of a network: none, a torchvision name, or a safetensors file whose hash is stated; never partly loaded."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from pipeline.foundation.errors import ParamsError, PipelineError, listed
from pipeline.foundation.files import whole_file
from pipeline.foundation.fingerprints import file_sha256
from pipeline.foundation.params import Params
from pipeline.networks.torchvision_import import load_torchvision

# DenseNet files of 2017 write `norm.1` where the modules are called `norm1` today.
OLD_DENSENET_KEY = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..+)$")


class WeightsParams(Params):
    """The source of a network's initial weights."""

    source: Literal["none", "torchvision", "file"]
    name: str = Field(default="", description="torchvision's name of the weights, such as IMAGENET1K_V1")
    file: str = Field(default="", description="safetensors file, relative to the folder the pipeline runs in")
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$", description="hash of that file")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source == "torchvision" and not self.name:
            raise ValueError("source 'torchvision' needs 'name', such as IMAGENET1K_V1")
        if self.source == "file" and not (self.file and self.sha256):
            raise ValueError("source 'file' needs 'file' and its 'sha256'")
        return self


def translated(key: str) -> str:
    """The present name of a weight: old DenseNet names are translated, all others are unchanged."""
    match = OLD_DENSENET_KEY.match(key)
    return match.group(1) + match.group(2) if match else key


def load_weights(
    network: nn.Module, given: Mapping[str, Tensor], *, place: str, head: str, new_parts: tuple[str, ...] = ()
) -> bool:
    """Load `given` (name to tensor) into every weight of `network`; returns whether its head was loaded too.

    Parameters: `place` names the weights in messages; a weight whose name contains one of `new_parts` may be missing
    and keeps its random initial value. The head (the weights whose name starts with `head`) is skipped if its shape
    differs (1,000 ImageNet classes). Raises PipelineError that lists missing and unexpected names and wrong shapes.
    """
    own = network.state_dict()
    found = {translated(key): value for key, value in given.items()}
    head_fits = all(key in found and found[key].shape == own[key].shape for key in own if key.startswith(head))
    if not head_fits:
        found = {key: value for key, value in found.items() if not key.startswith(head)}
    # Files older than torch 0.4 have no counters; nothing depends on their value.
    optional = ("num_batches_tracked", *new_parts)
    missing = [k for k in own if k not in found and not k.startswith(head) and not any(p in k for p in optional)]
    faults = [f"missing: {key}" for key in missing]
    faults += [f"unexpected: {key}" for key in found if key not in own]
    faults += [
        f"shape of {key} is {tuple(value.shape)}, the network has {tuple(own[key].shape)}"
        for key, value in found.items()
        if key in own and value.shape != own[key].shape
    ]
    if faults:
        heading = f"{place}: does not fit the network, {len(missing)} of {len(own)} weights are missing"
        raise PipelineError(listed(faults, heading=heading))
    network.load_state_dict({**own, **found}, strict=True)
    return head_fits


def torchvision_weights(model: str, name: str) -> dict[str, Tensor]:
    """The weights `name` of torchvision's `model`, downloaded once and checked by torchvision.

    Raises ParamsError for an unknown name, PipelineError if the file can neither be found nor downloaded.
    """
    known = load_torchvision().models.get_model_weights(model)
    if name not in known.__members__:
        allowed = ", ".join(known.__members__)
        raise ParamsError(f"weights.name ({name}) is not known to torchvision for {model}; allowed are {allowed}")
    weights = known[name]
    try:
        return dict(weights.get_state_dict(progress=False, check_hash=True, weights_only=True))
    except (OSError, RuntimeError) as error:
        file_name = weights.url.rpartition("/")[2]
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise PipelineError(
            f"weights {name} of {model} could not be downloaded ({error}); if offline, put {file_name} from "
            f"{weights.url} into {folder}"
        ) from error


def file_weights(path: Path, *, sha256: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file whose SHA-256 is as stated.

    Raises PipelineError if the file is missing, has another hash, or is not safetensors (pickles are never opened).
    """
    if not path.is_file():
        raise PipelineError(f"{path}: there is no such weights file; weights.file is relative to the working folder")
    found = file_sha256(path)
    if found != sha256:
        raise PipelineError(f"{path}: has the SHA-256 {found}, but weights.sha256 states {sha256}; check the file")
    return read_tensors(path)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file. Raises PipelineError if it is not readable as such."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise PipelineError(f"{path}: not readable as safetensors ({error}); convert the weights first") from error


def write_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write tensors as safetensors, the whole file or none; the bytes depend on the tensors only.

    Raises OSError if the file cannot be written, for example on a full disk.
    """
    with whole_file(path) as stream:
        # Not `save_file`: it makes the file readable by its owner only.
        stream.write(save({key: tensors[key].detach().cpu().contiguous() for key in sorted(tensors)}))
