"""Proportions with Wilson intervals, and the four counts of a threshold with what is read from them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from pipeline.statistics.roc import as_labels, as_scores

NAN = float("nan")


class Proportion(NamedTuple):
    """A fraction and its interval; all NaN where it is undefined."""

    estimate: float
    ci_low: float
    ci_high: float


def wilson(count: int, total: int, *, level: float = 0.95) -> Proportion:
    """`count` of `total` with the Wilson score interval (Wilson 1927, no continuity correction).

    All NaN where `total` is 0. Raises ValueError where `count` is not between 0 and `total`.
    """
    if not 0 <= count <= total:
        msg = f"count ({count}) must be between 0 and total ({total})"
        raise ValueError(msg)
    if total == 0:
        return Proportion(NAN, NAN, NAN)
    z2 = float(norm.ppf((1 + level) / 2)) ** 2
    fraction = count / total
    centre = (count + z2 / 2) / (total + z2)
    half = (z2 * (fraction * (1 - fraction) * total + z2 / 4)) ** 0.5 / (total + z2)
    # At 0 and at all the ends are exactly 0 and 1; rounding must not say otherwise.
    low = 0.0 if count == 0 else max(0.0, centre - half)
    high = 1.0 if count == total else min(1.0, centre + half)
    return Proportion(fraction, low, high)


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Counts at a threshold: true positives, false positives, true negatives, false negatives."""

    tp: int
    fp: int
    tn: int
    fn: int

    def proportions(self) -> dict[str, Proportion]:
        """Accuracy, sensitivity, specificity, PPV, NPV with Wilson intervals, of the patients at hand."""
        return {
            "accuracy": wilson(self.tp + self.tn, self.tp + self.fp + self.tn + self.fn),
            "sensitivity": wilson(self.tp, self.tp + self.fn),
            "specificity": wilson(self.tn, self.tn + self.fp),
            "ppv": wilson(self.tp, self.tp + self.fp),
            "npv": wilson(self.tn, self.tn + self.fn),
        }


def confusion(scores: ArrayLike, *, labels: ArrayLike, threshold: float) -> Confusion:
    """Counts of `scores`, shape (n,), against `labels`, shape (n,): positive = score ≥ threshold.

    Raises ValueError as `as_labels` and `as_scores`.
    """
    event = as_labels(labels)
    called = as_scores(scores, n=event.size) >= threshold
    return Confusion(
        tp=int((called & event).sum()),
        fp=int((called & ~event).sum()),
        tn=int((~called & ~event).sum()),
        fn=int((~called & event).sum()),
    )


def brier(scores: ArrayLike, *, labels: ArrayLike) -> float:
    """Mean squared difference of probability and outcome, shape (n,) each (Brier 1950); 0 is perfect.

    Raises ValueError as `as_labels` and `as_scores`.
    """
    event = as_labels(labels)
    return float(np.mean((as_scores(scores, n=event.size) - event) ** 2))
