"""Contributions to any model, from random orders of its features (Štrumbelj and Kononenko 2014)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.statistics.prototypes import Prototypes

Floats = NDArray[np.float64]
CELLS = 4_000_000  # numbers held in memory at once


def sampled_values(
    score: Callable[[Floats], Floats], X: Floats, *, background: Prototypes, orders: int, seed: int
) -> tuple[Floats, float, Floats, Floats]:
    """Contributions (n, p), base, output (n,) and standard errors (n, p) of `score`, which maps rows to numbers.

    A walk starts at a prototype and takes over the features of the patient one after another; a feature's contribution
    is the mean change at its turn, over all prototypes (weighted by their rows) and walks. Each of the `orders` random
    orders, the same for all patients, is walked forwards and backwards, which halves the variance of interactions of
    pairs (Mitchell et al., JMLR 2022;23:43). The sum over features is the output minus the base in every walk. The
    standard error is that of the mean over orders; NaN for one order.
    """
    generator = np.random.default_rng(seed)
    drawn = [generator.permutation(X.shape[1]) for _ in range(orders)]
    weights = background.counts / background.counts.sum()
    total, squares = np.zeros(X.shape), np.zeros(X.shape)
    rows = max(1, CELLS // ((X.shape[1] + 1) * X.shape[1] * len(weights)))
    for start in range(0, len(X), rows):
        part = slice(start, start + rows)
        for order in drawn:
            both = np.zeros(X[part].shape)
            for walk in (order, order[::-1]):
                both[:, walk] += _changes(score, X[part], centres=background.centres, weights=weights, walk=walk) / 2
            total[part] += both
            squares[part] += both**2
    values = total / orders
    spread = np.maximum(squares / orders - values**2, 0.0)
    errors = np.sqrt(spread / (orders - 1)) if orders > 1 else np.full(X.shape, np.nan)
    return values, float(weights @ score(background.centres)), score(X), errors


def _changes(
    score: Callable[[Floats], Floats], X: Floats, *, centres: Floats, weights: Floats, walk: NDArray[np.int64]
) -> Floats:
    """The change at each step of one walk, shape (n, p) in the order of the walk."""
    count = X.shape[1]
    turn = np.empty(count, dtype=np.int64)
    turn[walk] = np.arange(count)
    taken = np.arange(count + 1)[:, np.newaxis] > turn  # (p + 1, p): the features taken over after each step
    states = np.where(taken[:, np.newaxis], X[:, np.newaxis, np.newaxis], centres)  # (n, p + 1, k, p)
    found = score(states.reshape(-1, count)).reshape(states.shape[:3]) @ weights
    return np.diff(found, axis=1)
