"""Confusion counts at a threshold, and the measures derived from them, for one table of counts or many."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from pipeline.statistics.proportions import Proportion, wilson
from pipeline.statistics.roc import as_labels, as_scores

Numbers = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Counts at a threshold: true positives, false positives, true negatives, false negatives."""

    tp: int
    fp: int
    tn: int
    fn: int

    def proportions(self) -> dict[str, Proportion]:
        """Accuracy, sensitivity, specificity, PPV and NPV in these patients, with Wilson intervals."""
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


def threshold_measures(*, tp: ArrayLike, fp: ArrayLike, tn: ArrayLike, fn: ArrayLike) -> dict[str, Numbers]:
    """F1, balanced accuracy and Matthews' correlation of counts of one shape; NaN if a denominator is 0.

    f1 = 2 TP / (2 TP + FP + FN). balanced_accuracy = (sensitivity + specificity) / 2. mcc =
    (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)): undefined if all or none are called positive.
    """
    hits, alarms, cleared, missed = (np.asarray(count, dtype=np.float64) for count in (tp, fp, tn, fn))
    events, non_events = hits + missed, cleared + alarms
    margins = (hits + alarms) * events * non_events * (cleared + missed)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "f1": 2 * hits / (2 * hits + alarms + missed),
            "balanced_accuracy": (hits / events + cleared / non_events) / 2,
            "mcc": (hits * cleared - alarms * missed) / np.sqrt(margins),
        }


def resampled_measures(
    scores: ArrayLike, *, labels: ArrayLike, threshold: float, counts: ArrayLike
) -> dict[str, Numbers]:
    """`threshold_measures` of b samples, shape (b,); `counts`, shape (b, n), is how often each patient is drawn.

    `scores` and `labels` have shape (n,); positive = score ≥ threshold. Raises ValueError as `as_labels`, `as_scores`.
    """
    event, weights = as_labels(labels), np.atleast_2d(np.asarray(counts, dtype=np.float64))
    called = as_scores(scores, n=event.size) >= threshold
    cells = {"tp": called & event, "fp": called & ~event, "tn": ~called & ~event, "fn": ~called & event}
    return threshold_measures(**{name: weights @ cell.astype(np.float64) for name, cell in cells.items()})


def no_information_rate(counts: Confusion) -> tuple[float, float]:
    """The accuracy of assigning every patient to the more frequent class, and p that the model's accuracy is higher.

    p is one-sided, from the binomial distribution of the correct calls at that rate, which is treated as known:
    caret's confusionMatrix, R's binom.test(right, n, rate, alternative = "greater"). NaN if there is no patient.
    """
    n, events, right = counts.tp + counts.fp + counts.tn + counts.fn, counts.tp + counts.fn, counts.tp + counts.tn
    if n == 0:
        return float("nan"), float("nan")
    rate = max(events, n - events) / n
    return rate, float(binom.sf(right - 1, n, rate))
