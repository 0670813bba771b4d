"""The state of a training and its file on disk, to resume after the last whole epoch with the same result."""

import copy
import io
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.foundation.errors import lacks_memory
from pipeline.foundation.files import whole_file

log = logging.getLogger(__name__)
EVERY_S = 10.0  # short epochs are quicker to repeat than to write
SHARE = 0.05  # maximum fraction of the time spent writing: a large network takes seconds each time


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Mean loss of one epoch; `validation_loss` is None if no inner validation set is held out."""

    epoch: int
    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True, kw_only=True)
class Training:
    """The record of `fit`: its epochs, the weight of an event over that of a non-event, and how many were held out."""

    epochs: tuple[Epoch, ...] = ()
    weight_ratio: float = 1.0
    n_validation_patients: int = 0


class BestWeights:
    """The weights with the lowest validation loss so far; empty if nothing is held out."""

    def __init__(self) -> None:
        self.loss, self.epoch = math.inf, 0
        self.weights: dict[str, Tensor] = {}

    def update(self, done: Epoch, network: nn.Module) -> None:
        """Keep the weights if this epoch is the best so far."""
        if done.validation_loss is not None and done.validation_loss < self.loss:
            self.loss, self.epoch = done.validation_loss, done.epoch
            self.weights = copy.deepcopy(network.state_dict())


class TrainingState:
    """One file of the scratch folder, written after an epoch; `path` None: none.

    Written at most every `every_s` seconds, and less often if writing takes more than a twentieth of the time.

    It holds only tensors, numbers and text and is read with `weights_only`, so that it cannot execute code.
    """

    def __init__(self, path: Path | None, *, every_s: float = EVERY_S) -> None:
        self.path, self.every_s = path, every_s
        self.written = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The state written last, on the CPU; None if there is none. A cut or damaged file is deleted, and is none."""
        if self.path is None or not self.path.exists():
            return None
        try:
            return dict(torch.load(self.path, weights_only=True, map_location="cpu"))
        except (RuntimeError, EOFError) as error:
            if lacks_memory(error):
                raise
            log.warning("%s is cut off or damaged; this training starts again", self.path)
            self.remove()
            return None

    def is_due(self) -> bool:
        """Whether it is time to write again."""
        return self.path is not None and time.monotonic() - self.written >= self.every_s

    def save(self, state: dict[str, Any]) -> None:
        """Write the whole state or nothing. Raises OSError if it cannot be written, for example on a full disk."""
        assert self.path is not None
        start, content = time.monotonic(), io.BytesIO()
        torch.save(state, content)  # not to the file: on a full disk torch raises a RuntimeError without the reason
        with whole_file(self.path) as stream:
            stream.write(content.getbuffer())
        self.written = time.monotonic()
        if self.every_s:
            self.every_s = max(self.every_s, (self.written - start) / SHARE)

    def remove(self) -> None:
        """Delete the file, once the training is finished."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
