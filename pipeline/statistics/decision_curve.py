"""Decision curves: the net benefit of treating patients whose risk reaches a threshold (Vickers and Elkin 2006)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import as_labels

Numbers = NDArray[np.float64]


def benefits(scores: ArrayLike, *, labels: ArrayLike, thresholds: ArrayLike) -> Numbers:
    """Each patient's contribution to the net benefit at each threshold t, shape (n, k); the curve is their mean.

    Treated = probability ≥ t. A treated event contributes 1, a treated non-event -t / (1 - t), an untreated patient 0.
    So net benefit = TP / n - FP / n · t / (1 - t). Treating all is a probability of 1 for every patient; treating none
    has net benefit 0. `scores` and `labels` have shape (n,), `thresholds` (k,).
    Raises ValueError as `as_labels`, or if a threshold is not above 0 and below 1.
    """
    t = np.asarray(thresholds, dtype=np.float64)
    if not ((t > 0) & (t < 1)).all():
        raise ValueError("a threshold must be above 0 and below 1")
    gain = np.where(as_labels(labels)[:, np.newaxis], 1.0, -t / (1 - t))
    return np.where(np.asarray(scores, dtype=np.float64)[:, np.newaxis] >= t, gain, 0.0)
