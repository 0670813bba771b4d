"""Bootstrap of patients, stratified by outcome: each sample has as many events and non-events as the data.

A sample is a row of counts, how often each patient was drawn, so that a measure over all samples is one matrix product
or one cumulative sum. The same seed, labels and number of samples always give the same samples, for every model on
the same patients (sorted by id), so that the samples are paired across models.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.roc import NO_INTERVAL, Interval, as_labels

Numbers = NDArray[np.float64]
CELLS = 2_000_000  # counts held in memory at once


def stratified_counts(labels: ArrayLike, *, replicates: int, seed: int) -> Iterator[Numbers]:
    """Blocks, shape (b, n), of how often each of the n patients is drawn; all blocks together have `replicates` rows.

    Events are drawn from the events and non-events from the non-events, with replacement (Efron and Tibshirani 1993).
    Raises ValueError as `as_labels`.
    """
    positive = as_labels(labels)
    rng = np.random.default_rng(seed)
    block = max(1, CELLS // positive.size)
    for start in range(0, replicates, block):
        rows = min(block, replicates - start)
        counts = np.zeros((rows, positive.size))
        for group in (np.flatnonzero(positive), np.flatnonzero(~positive)):
            drawn = rng.integers(0, group.size, size=(rows, group.size))
            flat = drawn + group.size * np.arange(rows)[:, np.newaxis]
            counts[:, group] = np.bincount(flat.ravel(), minlength=rows * group.size).reshape(rows, group.size)
        yield counts


def percentile_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """The central quantiles (type 7) of a measure over the samples, shape (b,).

    Samples in which it is undefined (NaN) are excluded. NaN if none remains, or if the values do not vary: an interval
    of width zero would claim a certainty that the data do not give.
    """
    found = np.asarray(values, dtype=np.float64)
    found = found[~np.isnan(found)]
    if found.size == 0 or np.ptp(found) < 1e-12:
        return NO_INTERVAL
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_intervals(
    measure: Callable[[Numbers], Mapping[str, Numbers]],
    *,
    labels: ArrayLike,
    replicates: int,
    seed: int,
    level: float = 0.95,
) -> dict[str, Interval]:
    """The percentile interval of each measure by its name; empty if `replicates` is 0.

    `measure` takes a block of counts, shape (b, n), and returns the values of each measure, shape (b,).
    """
    found: dict[str, list[Numbers]] = {}
    for counts in stratified_counts(labels, replicates=replicates, seed=seed):
        for name, values in measure(counts).items():
            found.setdefault(name, []).append(values)
    return {name: percentile_interval(np.concatenate(parts), level=level) for name, parts in found.items()}


def mean_intervals(
    values: ArrayLike, *, labels: ArrayLike, replicates: int, seed: int, level: float = 0.95
) -> list[Interval]:
    """The percentile interval of the mean over patients of each column of `values`, shape (n, k); k intervals.

    For measures that are means of per-patient contributions. Means are rounded to 12 decimals, so that summing in
    another order gives the same number. All NaN if `replicates` is 0.
    """
    table = np.asarray(values, dtype=np.float64)
    if replicates == 0:
        return [NO_INTERVAL] * table.shape[1]
    blocks = stratified_counts(labels, replicates=replicates, seed=seed)
    means = np.concatenate([counts @ table for counts in blocks]) / len(table)
    return [percentile_interval(column, level=level) for column in np.round(means, 12).T + 0.0]
