"""How the weights are updated: optimiser, learning-rate schedule, loss, and the moving average of the weights."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.training.data_parallel import mean_over_group
from pipeline.training.params import OptimisationParams

MOMENTUM = 0.9  # of SGD
# TRFE-Net's code changes the learning rate every ten epochs, and makes a new optimiser then.
PUBLISHED_EPOCHS, PUBLISHED_POWER = 10, 0.9


def optimiser_of(network: nn.Module, *, params: OptimisationParams, device: torch.device) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019), or SGD with Nesterov momentum 0.9; weight decay on weights only, not on
    biases and batch norms. A network may have a factor of the learning rate per parameter, `learning_rate_factor`.
    """
    factor = getattr(network, "learning_rate_factor", lambda _: 1.0)
    published = params.schedule == "trfe_published"  # decay of all parameters, momentum of the plain kind
    named = [(p, factor(name)) for name, p in network.named_parameters()]
    groups = [
        {"params": chosen, "weight_decay": params.weight_decay if is_weight or published else 0.0, "factor": scale}
        for scale in sorted({scale for _, scale in named})
        for is_weight in (True, False)
        if (chosen := [p for p, own in named if own == scale and (p.ndim > 1) == is_weight])
    ]
    fused = device.type in ("cpu", "cuda")  # one pass over all weights: a tenth of the step
    if params.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=params.learning_rate, momentum=MOMENTUM, nesterov=not published, fused=fused)
    return torch.optim.AdamW(groups, lr=params.learning_rate, fused=fused)


def rate(step: int, *, steps: int, params: OptimisationParams) -> float:
    """The learning rate of a step (from 0, of `steps`) as a fraction of the full rate.

    Linear warm-up; then a cosine to 0, or a factor `step_factor` every `step_epochs` epochs of the whole training, or
    constant; or as published for TRFE-Net, (1 - epoch / epochs)^0.9 as it was in the last epoch of each ten, from 0.
    """
    warm_up = min(steps - 1, round(params.warm_up_epochs * steps / params.epochs))
    if step < warm_up:
        return (step + 1) / (warm_up + 1)
    if params.schedule == "constant":
        return 1.0
    if params.schedule == "trfe_published":
        last = step * params.epochs // steps // PUBLISHED_EPOCHS * PUBLISHED_EPOCHS - 1
        return 1.0 if last < 0 else (1 - last / params.epochs) ** PUBLISHED_POWER
    if params.schedule == "step":
        return params.step_factor ** (step * params.epochs // steps // params.step_epochs)
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def class_weight_ratio(labels: NDArray[np.float32], *, how: Literal["balanced", "none"]) -> float:
    """Weight of an event over weight of a non-event: n_negative / n_positive, or 1."""
    return float((labels == 0).sum() / (labels == 1).sum()) if how == "balanced" else 1.0


def loss_of(
    logits: Tensor, truth: Tensor, *, ratio: float, params: OptimisationParams, known: Tensor | None = None
) -> Tensor:
    """Weighted binary cross-entropy of logits (n,) and labels (n,) from 0 to 1: events weigh `ratio` times a non-event,
    and the weights have mean 1.

    With `loss: focal` the term of each class is scaled by (1 - p of that class)^gamma (Lin et al., ICCV 2017), so that
    well-classified patients count less; `ratio` is its alpha, taken from the training images. A label between 0 and 1
    (mixup) has both terms, in proportion. `known` (n,): rows that count; the loss is 0 if there are none. In a group of
    processes the weights have mean 1 over the whole batch, so that the average of the gradients is that of the batch.
    """
    truth = truth.to(logits)
    known = torch.ones_like(truth, dtype=torch.bool) if known is None else known
    logits = torch.where(known, logits, 0.0)  # a missing view's logit is NaN, and NaN times 0 is NaN
    of_event, of_none = -nn.functional.logsigmoid(logits), -nn.functional.logsigmoid(-logits)
    if params.loss == "focal":
        probability = torch.sigmoid(logits)
        of_event = of_event * (1 - probability) ** params.focal_gamma
        of_none = of_none * probability**params.focal_gamma
    event, none = ratio * truth * known, (1 - truth) * known
    total = mean_over_group((event + none).sum())
    return (of_event * event + of_none * none).sum() / total.clamp(min=torch.finfo(total.dtype).tiny)


def loss_of_output(
    output: Sequence[Tensor | None], truth: Tensor, *, ratio: float, params: OptimisationParams, auxiliary_weight: float
) -> Tensor:
    """The loss of a network's output: that of its logits, and `auxiliary_weight` times the mean loss of its views.

    `output`: logits (n,), embeddings, and for a network of several views their logits (n, V), NaN where one is missing.
    """
    logits = output[0]
    assert logits is not None
    loss = loss_of(logits.float(), truth, ratio=ratio, params=params)
    views = output[2] if len(output) > 2 else None
    if views is None or not auxiliary_weight:
        return loss
    each = [
        loss_of(view.float(), truth, ratio=ratio, params=params, known=view.isfinite()) for view in views.unbind(dim=1)
    ]
    return loss + auxiliary_weight * torch.stack(each).mean()


class MovingAverage:
    """The exponential moving average of a network's weights (Polyak and Juditsky 1992); `decay`: kept per step.

    Counters and running statistics of batch norms are not averaged. Off if `decay` is None. In the first steps the
    decay is smaller, (1 + step) / (10 + step), so that the random initial weights are soon forgotten (as in
    TensorFlow's ExponentialMovingAverage).
    """

    def __init__(self, network: nn.Module, *, decay: float | None) -> None:
        self.decay = decay
        self.weights = {} if decay is None else {k: v.detach().clone() for k, v in network.named_parameters()}

    def update(self, network: nn.Module, *, step: int) -> None:
        """Update the average with the weights after a step (from 0)."""
        if self.decay is None:
            return
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in network.named_parameters():
            self.weights[name].lerp_(value.detach(), 1 - decay)

    def exchange(self, network: nn.Module) -> None:
        """Swap the network's weights and their average; a second call swaps them back."""
        with torch.no_grad():
            for name, value in network.named_parameters():
                if name in self.weights:
                    own = value.detach().clone()
                    value.copy_(self.weights[name])
                    self.weights[name] = own
