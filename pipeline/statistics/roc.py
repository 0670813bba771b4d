"""Area under the ROC curve (AUC), its DeLong variance and intervals, and the paired DeLong test.

AUC is the chance that a patient with the event scores above one without it, ties counting one half; a higher score
means the event, and nothing is ever turned over. DeLong, DeLong and Clarke-Pearson 1988; computed from midranks as in
Sun and Xu 2014.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

Numbers = NDArray[np.float64]
Interval = tuple[float, float]
NO_INTERVAL: Interval = (float("nan"), float("nan"))
PAIR_COLUMNS = ["auc_a", "auc_b", "difference", "ci_low", "ci_high", "z", "p_value"]


def as_labels(labels: ArrayLike) -> NDArray[np.bool_]:
    """Labels 0/1 of any dtype as bool, shape (n,); arithmetic on unsigned integers would wrap in silence.

    Raises ValueError where a label is neither 0 nor 1, or only one class is present.
    """
    given = pd.to_numeric(pd.Series(np.asarray(labels, dtype=object)), errors="coerce").to_numpy(dtype=np.float64)
    if not np.isin(given, (0.0, 1.0)).all():
        raise ValueError("a label is neither 0 nor 1")
    found = given == 1.0
    if found.all() or not found.any():
        msg = f"{int(found.sum())} events among {found.size} patients; both classes are needed"
        raise ValueError(msg)
    return found


@dataclass(frozen=True, kw_only=True)
class Placements:
    """What DeLong's method needs of k models scored on the same n patients.

    `events` (k, m): for each patient with the event, the fraction of the others that score lower.
    `others` (k, n - m): for each other patient, the fraction of those with the event that score higher.
    """

    events: Numbers
    others: Numbers

    @property
    def auc(self) -> Numbers:
        """AUC of each model, shape (k,)."""
        return np.asarray(self.events.mean(axis=1))


def placements(scores: ArrayLike, *, labels: ArrayLike) -> Placements:
    """Placements of `scores`, shape (k, n) or (n,), higher = event, with `labels`, shape (n,).

    Raises ValueError where a score is NaN or infinite, the shapes differ, or one class is missing.
    """
    positive = as_labels(labels)
    table = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    if table.ndim != 2 or table.shape[1] != positive.size:
        msg = f"scores have the shape {table.shape}, and there are {positive.size} labels"
        raise ValueError(msg)
    if not np.isfinite(table).all():
        raise ValueError("a score is missing or infinite")
    m, n = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(table, axis=1)
    own_events, own_others = rankdata(table[:, positive], axis=1), rankdata(table[:, ~positive], axis=1)
    return Placements(
        events=(ranks[:, positive] - own_events) / n,
        others=1.0 - (ranks[:, ~positive] - own_others) / m,
    )


def _variance(events: Numbers, others: Numbers) -> float:
    """Variance of a mean placement (or of a difference of two); NaN where a class has one patient."""
    if min(events.size, others.size) < 2:
        return float("nan")
    return float(events.var(ddof=1) / events.size + others.var(ddof=1) / others.size)


def auc_variances(placed: Placements) -> Numbers:
    """DeLong variance of each model's AUC, shape (k,), with n - 1 in each class; NaN where a class has one patient."""
    pairs = zip(placed.events, placed.others, strict=True)
    return np.array([_variance(events, others) for events, others in pairs])


def plain_interval(auc: float, *, variance: float, level: float = 0.95) -> Interval:
    """AUC ± z · SE, cut to [0, 1]: what pROC prints. Too narrow near 1. NaN where the variance is 0 or unknown."""
    if not variance > 0:
        return NO_INTERVAL
    half = float(norm.ppf((1 + level) / 2)) * variance**0.5
    return max(0.0, auc - half), min(1.0, auc + half)


def logit_interval(auc: float, *, variance: float, level: float = 0.95) -> Interval:
    """expit(logit(AUC) ± z · SE / (AUC · (1 - AUC))): the interval on the log-odds scale, by the delta method.

    NaN where AUC is 0 or 1 or the variance is 0 or unknown. Source: Pepe 2003, section 5.2.
    """
    if not (variance > 0 and 0 < auc < 1):
        return NO_INTERVAL
    half = float(norm.ppf((1 + level) / 2)) * variance**0.5 / (auc * (1 - auc))
    return float(expit(logit(auc) - half)), float(expit(logit(auc) + half))


def paired_tests(placed: Placements, *, pairs: Sequence[tuple[int, int]], level: float = 0.95) -> pd.DataFrame:
    """Paired DeLong tests of two models each, one row a pair (a, b) of model indices, in their order.

    difference = AUC a - AUC b with its Wald interval; z = difference / SE; p two-sided, normal. The variance is taken
    of the differences of placements, so that models that rank all patients alike give z = 0 and p = 1 exactly.
    z, p and interval are NaN where a class has one patient, or where AUCs differ without any variance.
    """
    rows = []
    quantile = float(norm.ppf((1 + level) / 2))
    aucs = placed.auc
    for a, b in pairs:
        events, others = placed.events[a] - placed.events[b], placed.others[a] - placed.others[b]
        if not events.any() and not others.any():
            rows.append((aucs[a], aucs[b], 0.0, 0.0, 0.0, 0.0, 1.0))
            continue
        difference, variance = float(aucs[a] - aucs[b]), _variance(events, others)
        if not variance > 0:
            rows.append((aucs[a], aucs[b], difference, *NO_INTERVAL, *NO_INTERVAL))
            continue
        error = variance**0.5
        half, z = quantile * error, difference / error
        p = 2 * float(norm.sf(abs(z)))
        rows.append((aucs[a], aucs[b], difference, difference - half, difference + half, z, p))
    return pd.DataFrame(rows, columns=PAIR_COLUMNS, dtype=np.float64)


def roc_points(scores: ArrayLike, *, labels: ArrayLike) -> tuple[Numbers, Numbers]:
    """The empirical ROC curve: 1 - specificity and sensitivity at every distinct score, from (0, 0) to (1, 1).

    `scores` and `labels` have shape (n,). The trapezoids under it sum to the AUC. Raises ValueError as `as_labels`.
    """
    positive, values = as_labels(labels), np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), values.size - 1)
    hits, alarms = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])
