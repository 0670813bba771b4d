"""Cohen's kappa: agreement of two raters, or of a model and the reference standard, beyond chance."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from pipeline.statistics.proportions import Proportion

NAN = float("nan")


def cohen_kappa(table: ArrayLike, *, level: float = 0.95) -> Proportion:
    """kappa = (po - pe) / (1 - pe) with a normal interval, from a table of counts, shape (k, k).

    po is the observed agreement, pe that expected from the margins. The standard error is that of Fleiss, Cohen and
    Everitt 1969, as in R's vcd::Kappa; the interval is truncated to [-1, 1]. All NaN if pe is 1 (both raters use one
    category); no interval if the standard error is 0.
    Raises ValueError for a table that is not square, is empty or holds a negative count.
    """
    counts = np.asarray(table, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or len(counts) < 2:
        raise ValueError(f"the table has the shape {counts.shape}; as many rows as columns, 2 or more, are needed")
    if not (counts >= 0).all() or counts.sum() == 0:
        raise ValueError("the counts must be 0 or more, and not all 0")
    n = float(counts.sum())
    p = counts / n
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    observed, expected = float(np.trace(p)), float(rows @ columns)
    if np.isclose(expected, 1.0, rtol=0, atol=1e-12):
        return Proportion(NAN, NAN, NAN)
    kappa = (observed - expected) / (1 - expected)
    means = np.add.outer(columns, rows)
    spread = float((p * (np.eye(len(p)) - means * (1 - kappa)) ** 2).sum()) - (kappa - expected * (1 - kappa)) ** 2
    error = (max(spread, 0.0) / n) ** 0.5 / (1 - expected)
    if error < 1e-12:
        return Proportion(kappa, NAN, NAN)
    half = float(norm.ppf((1 + level) / 2)) * error
    return Proportion(kappa, max(-1.0, kappa - half), min(1.0, kappa + half))
