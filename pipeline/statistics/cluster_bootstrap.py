"""Bootstrap of patients who have several images each: a patient is drawn with all images (Davison and Hinkley 1997)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.statistics.bootstrap import CELLS

Numbers = NDArray[np.float64]


def ratio_samples(numerators: ArrayLike, denominators: ArrayLike, *, replicates: int, seed: int) -> Numbers:
    """Ratios of sums over patients in each bootstrap sample, shape (replicates, k).

    `numerators` and `denominators`, shape (n, k), are each patient's contributions: for the mean of a measure over
    images, the sum over the patient's images and their number; for a pooled measure, its counts. Patients are drawn
    with replacement; the same seed and number of patients, sorted by id, give the same samples, so that the samples
    are paired across models. NaN if a denominator sums to 0. Rounded to 12 decimals, so that summing in another order
    gives the same number. Raises ValueError if the shapes differ, there is no patient, or a number is missing.
    """
    above, below = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    if above.ndim != 2 or above.shape != below.shape or len(above) == 0:
        raise ValueError(f"numerators {above.shape} and denominators {below.shape} must be (n, k), with n of 1 or more")
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        raise ValueError("a contribution is missing or infinite; leave it out of the numerator and the denominator")
    rng = np.random.default_rng(seed)
    block, parts = max(1, CELLS // len(above)), [np.empty((0, above.shape[1]))]
    for start in range(0, replicates, block):
        counts = _counts(rng, n=len(above), rows=min(block, replicates - start))
        total = counts @ below
        ratios = np.full(total.shape, np.nan)
        np.divide(counts @ above, total, out=ratios, where=total != 0)
        parts.append(np.round(ratios, 12) + 0.0)
    return np.concatenate(parts)


def _counts(rng: np.random.Generator, *, n: int, rows: int) -> Numbers:
    """How often each of n patients is drawn in each of `rows` samples, shape (rows, n)."""
    flat = rng.integers(0, n, size=(rows, n)) + n * np.arange(rows)[:, np.newaxis]
    return np.bincount(flat.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)
