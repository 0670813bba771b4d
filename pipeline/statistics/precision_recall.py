"""The precision-recall curve (positive predictive value against sensitivity) and its area, the average precision."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import as_labels, as_scores, score_steps

Numbers = NDArray[np.float64]


def average_precision(scores: ArrayLike, *, labels: ArrayLike, weights: ArrayLike | None = None) -> Numbers:
    """Sum over the distinct scores of the gain in sensitivity times the PPV there, shape (b,); chance = prevalence.

    There is no linear interpolation between points, since it is too optimistic (Davis and Goadrich 2006): the same as
    scikit-learn's average_precision_score. `scores` and `labels` have shape (n,); `weights`, shape (b, n), counts each
    patient in b samples (default: once). Raises ValueError as `as_labels` and `as_scores`.
    """
    positive = as_labels(labels)
    counts = np.ones((1, positive.size)) if weights is None else np.atleast_2d(np.asarray(weights, dtype=np.float64))
    order, last = score_steps(as_scores(scores, n=positive.size))
    hits = np.cumsum(np.where(positive[order], counts[:, order], 0.0), axis=1)[:, last]
    called = np.cumsum(counts[:, order], axis=1)[:, last]
    ppv = hits / np.maximum(called, 1.0)
    gains = np.diff(hits, axis=1, prepend=0.0) / hits[:, -1:]
    return np.asarray((gains * ppv).sum(axis=1))


def precision_recall_points(scores: ArrayLike, *, labels: ArrayLike) -> tuple[Numbers, Numbers]:
    """Sensitivity and PPV at every distinct score where the sensitivity rises, from the highest score to the lowest.

    `scores` and `labels` have shape (n,). Scores that add only false positives are omitted: they do not change the
    area.
    Raises ValueError as `as_labels` and `as_scores`.
    """
    positive = as_labels(labels)
    order, last = score_steps(as_scores(scores, n=positive.size))
    hits = np.cumsum(positive[order])[last]
    rises = np.diff(hits, prepend=0) > 0
    return hits[rises] / hits[-1], hits[rises] / (last[rises] + 1)
