"""Partial area under the ROC curve: over the clinically relevant range of specificity or sensitivity."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import as_labels, as_scores, score_steps

Numbers = NDArray[np.float64]
Axis = Literal["specificity", "sensitivity"]


def partial_auc(
    scores: ArrayLike,
    *,
    labels: ArrayLike,
    axis: Axis,
    low: float,
    high: float,
    weights: ArrayLike | None = None,
) -> Numbers:
    """Area under the empirical ROC curve where `axis` lies between `low` and `high`, shape (b,).

    Over specificity it is the area under the sensitivity, over sensitivity the area under the specificity, with linear
    interpolation between points, as in pROC's auc(partial.auc =, partial.auc.focus =). At most high - low.
    `scores` and `labels` have shape (n,); `weights`, shape (b, n), counts each patient in b samples (default: once).
    Raises ValueError as `as_labels` and `as_scores`, and unless 0 ≤ low < high ≤ 1.
    """
    _check(low=low, high=high)
    positive = as_labels(labels)
    counts = np.ones((1, positive.size)) if weights is None else np.atleast_2d(np.asarray(weights, dtype=np.float64))
    order, last = score_steps(as_scores(scores, n=positive.size))
    ordered, event = counts[:, order], positive[order]
    sensitivity = _climb(np.where(event, ordered, 0.0), last)
    alarms = _climb(np.where(event, 0.0, ordered), last)
    if axis == "specificity":
        return _area(alarms, sensitivity, start=1 - high, end=1 - low)
    return _area(sensitivity, 1 - alarms, start=low, end=high)


def corrected(area: ArrayLike, *, low: float, high: float) -> Numbers:
    """McClish's correction (1989): 0.5 at chance and 1 for a perfect model, as pROC's partial.auc.correct.

    (1 + (area - m) / (M - m)) / 2 with m the area under the chance line and M = high - low. The same for both axes.
    """
    _check(low=low, high=high)
    chance = (high - low) * (2 - low - high) / 2
    return (1 + (np.asarray(area, dtype=np.float64) - chance) / (high - low - chance)) / 2


def _check(*, low: float, high: float) -> None:
    if not 0 <= low < high <= 1:
        raise ValueError(f"low ({low}) must be below high ({high}), both between 0 and 1")


def _climb(counts: Numbers, last: NDArray[np.intp]) -> Numbers:
    """Cumulative fractions at each distinct score, starting at 0, shape (b, points + 1)."""
    reached = np.cumsum(counts, axis=1)[:, last]
    return np.concatenate([np.zeros((len(reached), 1)), reached / reached[:, -1:]], axis=1)


def _area(x: Numbers, y: Numbers, *, start: float, end: float) -> Numbers:
    """Area under the line segments through (x, y), x ascending, between `start` and `end`."""
    x0, x1, y0, y1 = x[:, :-1], x[:, 1:], y[:, :-1], y[:, 1:]
    left, right = np.clip(x0, start, end), np.clip(x1, start, end)
    run = np.where(x1 > x0, x1 - x0, 1.0)
    # The area under a segment is its width times its height at the midpoint; vertical segments have no width.
    middle = y0 + (y1 - y0) * ((left + right) / 2 - x0) / run
    return np.asarray(((right - left) * middle).sum(axis=1))
