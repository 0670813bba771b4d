"""Train one network on the images of some patients, and describe other images with it.

Nothing here reads or writes a file. On a CPU the same seed and thread count give the same bytes.
"""

import copy
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from pipeline.augmentation import Augmentation
from pipeline.errors import PipelineError
from pipeline.optimisation import MovingAverage, OptimisationParams, class_weight_ratio, loss_of, optimiser_of, rate
from pipeline.roi_inputs import Normalisation, normalised
from pipeline.training_batches import EarlyStoppingParams, Examples, Rows, batches, guarded_batches, validation_rows


class TrainingParams(OptimisationParams):
    """How networks are trained."""

    batch_size: int = Field(ge=2, le=4096)
    precision: Literal["float32", "bfloat16"]
    torch_threads: int = Field(ge=1, le=256)
    early_stopping: EarlyStoppingParams


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Mean loss of one epoch; `validation_loss` is None where no inner validation part is held out."""

    epoch: int
    train_loss: float
    validation_loss: float | None


@dataclass(frozen=True, kw_only=True)
class Training:
    """What `fit` did: its epochs, the weight of an event over that of a non-event, and who was held out to stop it."""

    epochs: tuple[Epoch, ...] = ()
    weight_ratio: float = 1.0
    n_validation_patients: int = 0


def device_named(name: str) -> torch.device:
    """The torch device of a name; `auto` is a GPU where there is one. Raises PipelineError for one that is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise PipelineError(f"FUSION_DEVICE ({name}) cannot be used here ({reason}); unset it to choose") from error
    return device


@contextmanager
def reproducible(*, seed: int, threads: int, device: torch.device) -> Iterator[None]:
    """Inside, torch draws from `seed`, uses `threads` CPU threads and deterministic kernels; all is put back after.

    On a GPU a kernel without a deterministic form is used with a warning.
    """
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    switches: Any = torch.utils.deterministic
    filled = switches.fill_uninitialized_memory
    random = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    # Without allow_tf32=False a GPU would round the factors of "float32" convolutions to 10 bits.
    with random, torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
        # Nothing here reads memory before writing it; filling it first would cost a tenth of the time.
        switches.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1])
            switches.fill_uninitialized_memory = filled


class _Best:
    """The weights with the lowest validation loss so far; empty where nothing is held out."""

    def __init__(self) -> None:
        self.loss, self.epoch = math.inf, 0
        self.weights: dict[str, Tensor] = {}

    def is_over(self, done: Epoch, network: nn.Module, *, patience: int) -> bool:
        """Keep the weights if this epoch is the best so far; True once none was better for `patience` epochs."""
        if done.validation_loss is None:
            return False
        if done.validation_loss < self.loss:
            self.loss, self.epoch = done.validation_loss, done.epoch
            self.weights = copy.deepcopy(network.state_dict())
        return done.epoch - self.epoch >= patience

    def restore(self, network: nn.Module) -> None:
        """Give the best weights back to the network, where any were kept."""
        if self.weights:
            network.load_state_dict(self.weights)


class Trainer:
    """Trains one network in place; `fit` runs the epochs, `describe` gives probabilities and embeddings."""

    def __init__(
        self,
        network: nn.Module,
        *,
        params: TrainingParams,
        augment: Augmentation,
        normalise: Normalisation,
        device: torch.device,
    ) -> None:
        # The stubs of `to` leave out the overload that takes a memory format alone.
        self.network: nn.Module = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.params, self.augment, self.normalise, self.device = params, augment, normalise, device

    def fit(self, examples: Examples, *, forbidden: frozenset[str], seed: int) -> Training:
        """Train on all examples but an inner validation part, if one is held out; keep the best epoch's weights then.

        Loss, optimiser, learning rate and moving average as in pipeline.optimisation. `forbidden`: groups that no
        batch may hold. Raises AssertionError.
        """
        order = np.random.default_rng(seed)
        held = validation_rows(examples, params=self.params.early_stopping, order=order)
        rows = np.setdiff1d(np.arange(len(examples.labels)), held)
        forbidden = forbidden | {examples.groups[row] for row in held}
        ratio = class_weight_ratio(examples.labels[rows], how=self.params.class_weights)
        steps = self.params.epochs * len(batches(rows, batch_size=self.params.batch_size))
        optimiser = optimiser_of(self.network, params=self.params, device=self.device)
        schedule = LambdaLR(optimiser, lambda step: rate(step, steps=steps, params=self.params))
        average = MovingAverage(self.network, decay=self.params.ema_decay)
        history: list[Epoch] = []
        best = _Best()
        for epoch in range(1, self.params.epochs + 1):
            losses = []
            for batch in guarded_batches(
                examples, rows=rows, batch_size=self.params.batch_size, forbidden=forbidden, order=order
            ):
                losses.append(self._step(examples, batch, ratio=ratio, optimiser=optimiser) * len(batch))
                schedule.step()
                average.update(self.network)
            average.exchange(self.network)  # the average is what is validated, kept and used
            validation_loss = self._validation_loss(examples, held, ratio=ratio) if len(held) else None
            history.append(
                Epoch(epoch=epoch, train_loss=math.fsum(losses) / len(rows), validation_loss=validation_loss)
            )
            if best.is_over(history[-1], self.network, patience=self.params.early_stopping.patience_epochs):
                break
            if epoch < self.params.epochs:
                average.exchange(self.network)
        best.restore(self.network)
        held_patients = {examples.patients[row] for row in held}
        return Training(epochs=tuple(history), weight_ratio=ratio, n_validation_patients=len(held_patients))

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's weights on the CPU, by name."""
        return {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}

    def n_parameters(self) -> int:
        """How many trainable numbers the network has."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def describe(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """Logits (n,) and embeddings (n, E) of images (n, S, S), in float32 and without augmentation."""
        self.network.eval()
        logits, embeddings = [], []
        with torch.inference_mode():
            for batch in batches(np.arange(len(pixels)), batch_size=self.params.batch_size):
                output = self.network(self._input(self._grey(pixels[batch])))
                logits.append(output[0].double().cpu().numpy())
                embeddings.append(output[1].float().cpu().numpy())
        return np.concatenate(logits), np.concatenate(embeddings)

    def _grey(self, pixels: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(pixels).to(self.device)[:, None].float() / 255  # (N, 1, S, S)

    def _input(self, grey: Tensor) -> Tensor:
        return normalised(grey, how=self.normalise).contiguous(memory_format=torch.channels_last)

    def _step(self, examples: Examples, batch: Rows, *, ratio: float, optimiser: torch.optim.Optimizer) -> float:
        self.network.train()
        grey = self.augment(self._grey(examples.pixels[batch]))
        mixed = self.params.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=mixed):
            logits = self.network(self._input(grey))[0]
        loss = loss_of(logits.float(), examples.labels[batch], ratio=ratio, params=self.params)
        optimiser.zero_grad()
        loss.backward()
        if self.params.gradient_clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.params.gradient_clip_norm)
        optimiser.step()
        return float(loss.detach())

    def _validation_loss(self, examples: Examples, rows: Rows, *, ratio: float) -> float:
        logits, _ = self.describe(examples.pixels[rows])
        return float(loss_of(torch.from_numpy(logits), examples.labels[rows], ratio=ratio, params=self.params))
