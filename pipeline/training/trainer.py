"""Train one network on the images of its training patients.

On a CPU the same seed and thread count give the same bytes, with any number of loader processes, interrupted or not.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.foundation.errors import PipelineError
from pipeline.networks.inputs import Normalisation
from pipeline.networks.progressive import ProgressiveParams, stage_of
from pipeline.training import data_parallel
from pipeline.training.batches import Examples, Rows, batches, guarded_batches
from pipeline.training.board import TrainingBoard
from pipeline.training.device import drawn_from
from pipeline.training.inference import Encoder
from pipeline.training.loader import StageAt, TrainingImages, TrainingLoader
from pipeline.training.optimisation import PUBLISHED_EPOCHS, MovingAverage, optimiser_of, rate
from pipeline.training.params import AugmentationParams, TrainingParams
from pipeline.training.state import BestWeights, Epoch, Training, TrainingState
from pipeline.training.tasks import OutcomeTask, Step, Task


class Trainer:
    """Trains one network in place; its `encoder` then computes logits and embeddings.

    `progressive`: the schedule of size (up to `train_size_px`; None: as given), augmentation, mixup and dropout.
    `loaders`: processes that load the training images (0: this one). `task`: what is learned (None: the outcome).
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        params: TrainingParams,
        strengths: AugmentationParams,
        normalise: Normalisation,
        device: torch.device,
        progressive: ProgressiveParams | None = None,
        train_size_px: int | None = None,
        loaders: int = 0,
        task: Task | None = None,
    ) -> None:
        # The stubs of `to` lack the overload that takes only a memory format.
        self.network: nn.Module = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.encoder = Encoder(network=self.network, normalise=normalise, device=device, batch_size=params.batch_size)
        self.params, self.strengths, self.device = params, strengths, device
        self.progressive, self.train_size_px, self.loaders = progressive, train_size_px, loaders
        self.task: Task = OutcomeTask(params=params) if task is None else task

    def fit(
        self,
        examples: Examples,
        *,
        forbidden: frozenset[str],
        seed: int,
        state: TrainingState | None = None,
        board: Path | None = None,
    ) -> Training:
        """Train on all examples but an inner validation set, if one is held out; then keep the best epoch's weights.

        Loss, optimiser, learning rate and moving average as in pipeline.training.optimisation. `forbidden`: groups that
        no batch may hold. `state`: from which to resume. `board`: folder of the curves.
        Raises AssertionError for such a group, PipelineError if the loss is not finite.
        """
        held = self.task.held(examples, params=self.params.early_stopping, order=np.random.default_rng(seed))
        run = _Run(self, examples, held=held, forbidden=forbidden, seed=seed)
        state = state or TrainingState(None)
        run.resume(state.load())
        curves = TrainingBoard(board if run.rank == 0 else None, resumed_after=len(run.history))
        while not run.is_over():
            done = run.epoch()
            curves.add(
                {
                    "loss/train": done.train_loss,
                    "loss/validation": done.validation_loss,
                    "learning_rate": run.optimiser.param_groups[0]["lr"],
                    "image_size_px": run.stage_at(run.steps_an_epoch * done.epoch - 1).size_px,
                },
                epoch=done.epoch,
            )
            if run.rank == 0 and state.is_due():
                state.save(run.state())
        curves.close()
        run.finish()
        patients = {examples.patients[row] for row in held}
        return Training(epochs=tuple(run.history), weight_ratio=run.ratio, n_validation_patients=len(patients))

    def weights(self) -> dict[str, Tensor]:
        """A copy of the network's weights on the CPU, by name."""
        return {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}


class _Run:
    """One training: what changes from step to step. No random state is carried from one epoch to the next."""

    def __init__(
        self, trainer: Trainer, examples: Examples, *, held: Rows, forbidden: frozenset[str], seed: int
    ) -> None:
        self.trainer, self.examples, self.held, self.seed = trainer, examples, held, seed
        params, self.network = trainer.params, trainer.network
        self.forbidden = forbidden | {examples.groups[row] for row in held}
        self.rows = np.setdiff1d(np.arange(len(examples.labels)), held)
        self.ratio = trainer.task.weight_ratio(examples.labels[self.rows])
        self.rank, self.size = data_parallel.rank(), data_parallel.size()
        if len(self.rows) < 2 * self.size:
            raise PipelineError(
                f"{len(self.rows)} training images are too few for training.processes ({self.size}) in "
                f"{trainer.task.settings}: each process needs two; set it to 1"
            )
        self.steps_an_epoch = len(batches(self._drawn(0), batch_size=params.batch_size, min_size=2 * self.size))
        self.steps = params.epochs * self.steps_an_epoch
        self.optimiser = optimiser_of(self.network, params=params, device=trainer.device)
        self.average = MovingAverage(self.network, decay=params.ema_decay)
        self.best, self.history = BestWeights(), list[Epoch]()
        target_px = trainer.train_size_px or int(examples.pixels.shape[-1])
        self.stage_at: StageAt = partial(stage_of, steps=self.steps, target_px=target_px, params=trainer.progressive)
        images = TrainingImages(
            examples, strengths=trainer.strengths, stage_at=self.stage_at, seed=seed, augment=trainer.task.augmentation
        )
        self.loader = TrainingLoader(images, processes=trainer.loaders, pinned=trainer.device.type == "cuda")

    def _drawn(self, epoch: int) -> Rows:
        """The training rows of an epoch (from 1), in their order."""
        order = np.random.default_rng([self.seed, epoch])
        return self.trainer.task.epoch_rows(self.rows, order=order)

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.weights,
            "best": vars(self.best),
            "history": [asdict(epoch) for epoch in self.history],
        }

    def resume(self, kept: Mapping[str, Any] | None) -> None:
        """Restore an unfinished training, then share the network in the group of processes."""
        if kept is not None:
            self.network.load_state_dict(kept["network"])
            self.optimiser.load_state_dict(kept["optimiser"])
            self.average.weights = {k: v.to(self.trainer.device) for k, v in kept["average"].items()}
            vars(self.best).update(kept["best"])
            self.history = [Epoch(**epoch) for epoch in kept["history"]]
        partly = hasattr(self.network, "auxiliary_weight")  # a network of views, of which a batch may lack one
        self.shared = data_parallel.shared(self.network, device=self.trainer.device, partly_used=partly)

    def is_over(self) -> bool:
        """Whether all epochs were run, or the loss has not improved for `patience_epochs` epochs."""
        params, done = self.trainer.params, len(self.history)
        waited = done - self.best.epoch if len(self.held) else 0
        return done == params.epochs or (done > 0 and waited >= params.early_stopping.patience_epochs)

    def epoch(self) -> Epoch:
        """The training images of an epoch; then the validation loss with the moving average of the weights."""
        number = len(self.history) + 1
        if self.trainer.params.schedule == "trfe_published" and number % PUBLISHED_EPOCHS == 1:
            # The published code makes a new optimiser here, which loses its momentum.
            self.optimiser = optimiser_of(self.network, params=self.trainer.params, device=self.trainer.device)
        torch.manual_seed(drawn_from(self.seed, 1, number, self.rank))
        begin: Any = getattr(self.network, "begin_epoch", None)  # of a network that freezes a part of itself
        if begin is not None:
            begin(number)
        drawn, batch_size = self._drawn(number), self.trainer.params.batch_size
        plan = list(
            guarded_batches(
                self.examples, rows=drawn, batch_size=batch_size, forbidden=self.forbidden, min_size=2 * self.size
            )
        )
        first = len(self.history) * self.steps_an_epoch
        losses = [
            self._step(step, rows, planes) * len(plan[step - first])
            for step, (rows, planes) in enumerate(
                self.loader.load(plan, first_step=first, rank=self.rank, size=self.size), first
            )
        ]
        data_parallel.same_everywhere(self.network)
        self.average.exchange(self.network)
        train_loss = math.fsum(torch.stack(losses).tolist()) / len(drawn)
        if not math.isfinite(train_loss):
            raise PipelineError(
                f"the training has diverged: the loss of epoch {number} is {train_loss}; lower training.learning_rate "
                f"({self.trainer.params.learning_rate}) or set training.gradient_clip_norm in "
                f"{self.trainer.task.settings}"
            )
        done = Epoch(epoch=number, train_loss=train_loss, validation_loss=self._validation_loss())
        self.best.update(done, self.network)
        self.average.exchange(self.network)
        self.history.append(done)
        return done

    def finish(self) -> None:
        """Load the best epoch's weights into the network, or the last ones, as their moving average."""
        if self.best.weights:
            self.network.load_state_dict(self.best.weights)
        else:
            self.average.exchange(self.network)

    def _step(self, step: int, rows: Rows, planes: Tensor) -> Tensor:
        trainer, params, stage = self.trainer, self.trainer.params, self.stage_at(step)
        self.network.train()
        set_dropout(self.network, rate=stage.dropout)
        for group in self.optimiser.param_groups:
            group["lr"] = params.learning_rate * rate(step, steps=self.steps, params=params) * group["factor"]
        now = Step(
            network=self.network,
            shared=self.shared,
            encoder=trainer.encoder,
            examples=self.examples,
            rows=rows,
            planes=planes.to(trainer.device, non_blocking=True),
            stage=stage,
            mixed_precision=params.precision == "bfloat16",
            ratio=self.ratio,
            remaining=1 - len(self.history) / params.epochs,
        )
        loss = trainer.task.loss(now)
        self.optimiser.zero_grad()
        loss.backward()
        if params.gradient_clip_norm is not None:
            nn.utils.clip_grad_norm_(self.network.parameters(), params.gradient_clip_norm)
        self.optimiser.step()
        self.average.update(self.network, step=step)
        return data_parallel.mean_over_group(loss.detach())

    def _validation_loss(self) -> float | None:
        if not len(self.held):
            return None
        trainer = self.trainer
        loss = trainer.task.validation_loss(trainer.encoder, self.examples, self.held, self.ratio)
        return float(data_parallel.mean_over_group(loss))  # one number for all, so that all stop at once


def set_dropout(network: nn.Module, *, rate: float | None) -> None:
    """Set the rate of every dropout layer of the network; None changes nothing."""
    if rate is None:
        return
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
