"""Selection stability: agreement, beyond chance, of the feature sets selected on different samples.

Nogueira, Sechidis, Brown 2018 (J Mach Learn Res 18:174), for M selections among d features, x_if = 1 if selection i
keeps feature f, p_f the fraction of selections that keep f, k the mean number kept:

    stability = 1 - mean over f of M / (M - 1) · p_f (1 - p_f) / (k/d · (1 - k/d))

1: the same features every time; about 0: as many features drawn at random each time; minimum -1 / (M - 1). Theorem 8
gives its variance, 4 / M² · sum over i of (phi_i - mean phi)², and Corollary 9 the normal interval, for independent
selections; folds and half-samples share patients, so their interval is approximate. By the authors' benchmarks, below
0.40 is poor and 0.75 or more excellent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm


@dataclass(frozen=True, kw_only=True)
class Stability:
    """The estimate, its variance and interval (upper end at most 1), for `n_fits` selections among `n_features`."""

    estimate: float
    variance: float
    ci_low: float
    ci_high: float
    n_fits: int
    n_features: int


def stability(kept: NDArray[np.bool_], *, confidence: float = 0.95) -> Stability:
    """The stability of the selections `kept` (M, d): row i marks which of the d features selection i kept.

    Undefined (NaN) with fewer than two selections, or if no selection kept any feature or every selection kept all:
    there is no choice to agree on. Raises ValueError if `kept` is not a matrix of 0 and 1, or `confidence` is not
    between 0 and 1.
    """
    table = np.asarray(kept)
    if table.ndim != 2 or not np.isin(table, (0, 1)).all():
        raise ValueError(f"kept (shape {table.shape}) must be a matrix of 0 and 1, one row per selection")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence ({confidence}) must be between 0 and 1")
    fits, features = table.shape
    chosen = table.astype(np.float64)
    share = chosen.mean() if table.size else 0.0
    if fits < 2 or share in (0.0, 1.0):
        undefined = dict.fromkeys(("estimate", "variance", "ci_low", "ci_high"), float("nan"))
        return Stability(**undefined, n_fits=fits, n_features=features)
    frequency, size = chosen.mean(axis=0), chosen.mean(axis=1)
    chance = share * (1 - share)
    estimate = 1 - fits / (fits - 1) * float((frequency * (1 - frequency)).mean()) / chance
    # phi_i of Theorem 8, with sizes as fractions of d.
    agreement = (chosen * frequency).mean(axis=1) - size * share
    influence = (agreement + estimate / 2 * (2 * share * size - size - share + 1)) / chance
    variance = 4 / fits**2 * float(((influence - influence.mean()) ** 2).sum())
    half_width = float(norm.ppf((1 + confidence) / 2)) * variance**0.5
    return Stability(
        estimate=estimate,
        variance=variance,
        ci_low=estimate - half_width,
        ci_high=min(1.0, estimate + half_width),
        n_fits=fits,
        n_features=features,
    )
