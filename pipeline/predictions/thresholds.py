"""Thresholds learned from training scores: by Youden's index, a target sensitivity, or the costs of errors.

Every cut lies midway between two neighbouring scores (0 and 1 count as neighbours of the outermost), so that it does
not depend on the last digits of a score. Positive = score ≥ threshold.
"""

import math

import numpy as np
from numpy.typing import NDArray

from pipeline.foundation.params import ThresholdParams

DECIMALS = 12  # scores equal to so many decimals are treated as tied
YOUDEN = ThresholdParams(rule="youden", sensitivity=0.9, cost_ratio=1.0)
Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


def learn_threshold(scores: Scores, labels: Labels, *, rule: ThresholdParams) -> float:
    """The threshold of `rule` for `scores` in [0, 1], shape (n,), and `labels`, shape (n,), both classes present."""
    if rule.rule == "sensitivity":
        return sensitivity_threshold(scores, labels, sensitivity=rule.sensitivity)
    if rule.rule == "cost":
        return cost_threshold(scores, labels, cost_ratio=rule.cost_ratio)
    return youden_threshold(scores, labels)


def youden_threshold(scores: Scores, labels: Labels) -> float:
    """The threshold that maximises sensitivity + specificity; among ties the lowest. Source: Youden 1950.

    Only cuts between two scores are considered; if all scores are equal, it is that score and every patient is
    positive.
    """
    cuts, missed, cleared = _cuts(scores, labels)
    if cuts.size < 3:
        return float(np.min(scores))
    # In whole numbers: sensitivity + specificity - 1, times both class sizes, so that tied cuts are exactly equal.
    gain = cleared * int(labels.sum()) - missed * int((~labels).sum())
    return float(cuts[1 + int(np.argmax(gain[1:-1]))])


def sensitivity_threshold(scores: Scores, labels: Labels, *, sensitivity: float) -> float:
    """The highest threshold with at least the given `sensitivity`, above 0 and up to 1.

    So the specificity is the highest at that sensitivity. A sensitivity of 1 puts it just below the lowest event.
    """
    cuts, missed, _ = _cuts(scores, labels)
    # The rounding error in 0.9 · 10 must not require one event more.
    needed = math.ceil(sensitivity * int(labels.sum()) - 1e-9)
    return float(cuts[np.flatnonzero(labels.sum() - missed >= needed)[-1]])


def cost_threshold(scores: Scores, labels: Labels, *, cost_ratio: float) -> float:
    """The threshold of minimum cost, cost_ratio · missed events + false alarms; among ties the lowest.

    The same as pROC's coords(best.weights = c(cost_ratio, prevalence of the data)); calling every patient or no
    patient positive is among the options.
    """
    cuts, missed, cleared = _cuts(scores, labels)
    cost = cost_ratio * missed - cleared
    # A score of 1 is positive at every threshold, so the last cut cannot be above all patients.
    usable = cost if cuts[-1] < 1 else cost[:-1]
    return float(cuts[int(np.argmin(usable))])


def _cuts(scores: Scores, labels: Labels) -> tuple[Scores, NDArray[np.int64], NDArray[np.int64]]:
    """All cuts from the lowest, with the missed events and the true negatives at each."""
    values, place = np.unique(np.round(scores, DECIMALS), return_inverse=True)
    edges = np.concatenate([[0.0], values, [1.0]])
    below = [np.bincount(place[group], minlength=values.size).cumsum() for group in (labels, ~labels)]
    missed, cleared = (np.concatenate([[0], counts]) for counts in below)
    return (edges[:-1] + edges[1:]) / 2, missed, cleared
