"""Decision curves: the net benefit of treating those whose risk reaches a threshold (Vickers and Elkin 2006)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import as_labels

Numbers = NDArray[np.float64]


def benefits(scores: ArrayLike, *, labels: ArrayLike, thresholds: ArrayLike) -> Numbers:
    """What each patient adds to the net benefit at each threshold t, shape (n, k); the mean over patients is the curve.

    Treated = probability ≥ t. A treated patient with the event adds 1, one without it takes t / (1 - t); the others
    add 0. So net benefit = TP / n - FP / n · t / (1 - t). Treating all is a probability of 1 for everyone, treating
    none has the net benefit 0. `scores` and `labels` have shape (n,), `thresholds` (k,).
    Raises ValueError as `as_labels`, or where a threshold is not above 0 and below 1.
    """
    t = np.asarray(thresholds, dtype=np.float64)
    if not ((t > 0) & (t < 1)).all():
        raise ValueError("a threshold must be above 0 and below 1")
    gain = np.where(as_labels(labels)[:, np.newaxis], 1.0, -t / (1 - t))
    return np.where(np.asarray(scores, dtype=np.float64)[:, np.newaxis] >= t, gain, 0.0)
