"""Prototypes: means of groups of similar rows, which stand for the rows where no row of a patient may be kept."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_ROWS = 5  # behind a prototype, so that it is no patient's row
MAX_PROTOTYPES = 50  # a distance and an explanation take as long as there are prototypes
STARTS = 4  # of k-means
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Prototypes:
    """`centres` (k, p), each the mean of `counts` (k,) rows, sorted by their values."""

    centres: Floats
    counts: NDArray[np.int64]


def prototypes(X: Floats, *, seed: int, min_rows: int = MIN_ROWS) -> Prototypes:
    """The prototypes of the rows of X (n, p) without missing values: k-means on columns of SD 1, about one prototype
    per 2 `min_rows` rows, at most MAX_PROTOTYPES; a cluster with fewer than `min_rows` rows is joined to the nearest.

    Raises ValueError if X has fewer than `min_rows` rows.
    """
    if len(X) < min_rows:
        msg = f"X has {len(X)} rows; a prototype is the mean of {min_rows} or more"
        raise ValueError(msg)
    spread = X.std(axis=0)
    scaled = X / np.where(spread > 0, spread, 1.0)
    cluster = _clusters(scaled, count=min(MAX_PROTOTYPES, max(1, len(X) // (2 * min_rows))), seed=seed)
    while (sizes := np.bincount(cluster)).size > 1 and sizes[sizes > 0].min() < min_rows:
        cluster = _joined(scaled, cluster)
    names = np.unique(cluster)
    centres = np.array([X[cluster == name].mean(axis=0) for name in names]).reshape(len(names), X.shape[1])
    counts = np.array([(cluster == name).sum() for name in names], dtype=np.int64)
    order = np.lexsort((counts, *centres.T[::-1]))
    return Prototypes(centres=centres[order], counts=counts[order])


def _clusters(scaled: Floats, *, count: int, seed: int) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans

    distinct = len(np.unique(scaled, axis=0)) if scaled.shape[1] else 1
    if min(count, distinct) < 2:
        return np.zeros(len(scaled), dtype=np.int64)
    means = KMeans(n_clusters=min(count, distinct), n_init=STARTS, random_state=seed).fit(scaled)
    return np.asarray(means.labels_, dtype=np.int64)


def _joined(scaled: Floats, cluster: NDArray[np.int64]) -> NDArray[np.int64]:
    """The clusters with the smallest one joined to the one whose mean is nearest."""
    names, sizes = np.unique(cluster, return_counts=True)
    centres = np.array([scaled[cluster == name].mean(axis=0) for name in names])
    smallest = int(np.argmin(sizes))
    distance = ((centres - centres[smallest]) ** 2).sum(axis=1)
    distance[smallest] = np.inf
    return np.where(cluster == names[smallest], names[int(np.argmin(distance))], cluster)
