"""Area under the ROC curve (AUC), its DeLong variance, and the points of the curve.

AUC is the probability that a patient with the event scores above one without it, ties counting one half; a higher
score means the event, and the direction is never reversed. DeLong, DeLong and Clarke-Pearson 1988; computed from
midranks as in Sun and Xu 2014.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

Numbers = NDArray[np.float64]
Interval = tuple[float, float]
NO_INTERVAL: Interval = (float("nan"), float("nan"))


def as_labels(labels: ArrayLike) -> NDArray[np.bool_]:
    """Labels 0/1 of any dtype as bool, shape (n,); arithmetic on unsigned integers would wrap silently.

    Raises ValueError if a label is neither 0 nor 1, or only one class is present.
    """
    given = pd.to_numeric(pd.Series(np.asarray(labels, dtype=object)), errors="coerce").to_numpy(dtype=np.float64)
    if not np.isin(given, (0.0, 1.0)).all():
        raise ValueError("a label is neither 0 nor 1")
    found = given == 1.0
    if found.all() or not found.any():
        msg = f"events: {int(found.sum())}, patients: {found.size}; both classes are needed"
        raise ValueError(msg)
    return found


def as_scores(scores: ArrayLike, *, n: int) -> Numbers:
    """Scores as float64, shape (n,) or (k, n). Raises ValueError if one is NaN or infinite, or the shape differs."""
    found = np.asarray(scores, dtype=np.float64)
    if found.ndim not in (1, 2) or found.shape[-1] != n:
        raise ValueError(f"scores have the shape {found.shape}, the labels ({n},)")
    if not np.isfinite(found).all():
        raise ValueError("a score is missing or infinite")
    return found


def score_steps(scores: Numbers) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices that sort `scores`, shape (n,), in descending order, and where in it each distinct score ends."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), scores.size - 1)


@dataclass(frozen=True, kw_only=True)
class Placements:
    """The placements that DeLong's method needs, for k models scored on the same n patients.

    `events` (k, m): for each event, the fraction of non-events that score lower.
    `non_events` (k, n - m): for each non-event, the fraction of events that score higher.
    """

    events: Numbers
    non_events: Numbers

    @property
    def auc(self) -> Numbers:
        """AUC of each model, shape (k,)."""
        return np.asarray(self.events.mean(axis=1))


def placements(scores: ArrayLike, *, labels: ArrayLike) -> Placements:
    """Placements of `scores`, shape (k, n) or (n,), higher = event, with `labels`, shape (n,).

    Raises ValueError if a score is NaN or infinite, the shapes differ, or one class is missing.
    """
    positive = as_labels(labels)
    table = np.atleast_2d(as_scores(scores, n=positive.size))
    m, n = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(table, axis=1)
    own_events, own_non_events = rankdata(table[:, positive], axis=1), rankdata(table[:, ~positive], axis=1)
    return Placements(
        events=(ranks[:, positive] - own_events) / n,
        non_events=1.0 - (ranks[:, ~positive] - own_non_events) / m,
    )


def mean_variance(events: Numbers, non_events: Numbers) -> float:
    """Variance of a mean placement (or of a difference of two); NaN if a class has one patient."""
    if min(events.size, non_events.size) < 2:
        return float("nan")
    return float(events.var(ddof=1) / events.size + non_events.var(ddof=1) / non_events.size)


def auc_variances(placed: Placements) -> Numbers:
    """DeLong variance of each model's AUC, shape (k,), with n - 1 in each class; NaN if a class has one patient."""
    pairs = zip(placed.events, placed.non_events, strict=True)
    return np.array([mean_variance(events, non_events) for events, non_events in pairs])


def roc_points(scores: ArrayLike, *, labels: ArrayLike) -> tuple[Numbers, Numbers]:
    """The empirical ROC curve: 1 - specificity and sensitivity at every distinct score, from (0, 0) to (1, 1).

    `scores` and `labels` have shape (n,). The trapezoidal area under it is the AUC.
    Raises ValueError as `as_labels` and `as_scores`.
    """
    positive = as_labels(labels)
    order, last = score_steps(as_scores(scores, n=positive.size))
    hits, alarms = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])


def roc_corners(scores: ArrayLike, *, labels: ArrayLike) -> tuple[Numbers, Numbers]:
    """The points of `roc_points` at which the curve changes direction: the same curve with the fewest points."""
    x, y = roc_points(scores, labels=labels)
    # In whole patients, so that collinear points are exactly collinear.
    n, m = float((~as_labels(labels)).sum()), float(as_labels(labels).sum())
    right, up = np.diff(np.rint(x * n)), np.diff(np.rint(y * m))
    turns = right[:-1] * up[1:] != up[:-1] * right[1:]
    kept = np.concatenate([[True], turns, [True]])
    return x[kept], y[kept]
