"""The binomial LASSO along a grid of lambdas, on standardised features.

Objective as in glmnet: -loglik / n + lambda * |b|_1, intercept not penalised, features standardised with 1/n variance
(Friedman, Hastie, Tibshirani 2010, J Stat Softw 33:1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.reduce.steps.active_set import ActiveSet
from pipeline.reduce.steps.active_set_state import Floats

MAX_EXPLAINED = 0.999  # glmnet's devmax: the path ends where this fraction of the null deviance is explained …
MIN_GAIN = 1e-5  # … or (fdev) a step explains less than this fraction more, after
MIN_LAMBDAS = 5  # (mnlam) at least this many lambdas


@dataclass(frozen=True, kw_only=True)
class Path:
    """Solutions at `lambdas` (L,), descending: `intercepts` (L,) and `coefficients` (L, p) on the scale of X."""

    lambdas: Floats
    intercepts: Floats
    coefficients: Floats

    @property
    def n_nonzero(self) -> NDArray[np.int64]:
        """Number of non-zero coefficients, by lambda."""
        return np.count_nonzero(self.coefficients, axis=1)

    def log_odds(self, X: Floats) -> Floats:
        """The linear predictor (n, L) of the rows of X."""
        return X @ self.coefficients.T + self.intercepts


def lambda_grid(X: Floats, y: Floats, *, count: int, min_ratio: float | None = None) -> Floats:
    """`count` lambdas from the smallest that keeps no feature down to `min_ratio` of it, evenly on the log scale.

    `min_ratio` None is glmnet's default: 1e-4 if there are more rows than features, else 1e-2. Empty if no feature of
    X (n, p) is correlated with y (n,).
    """
    Z, _, _ = _standardised(X)
    largest = float(np.abs(Z.T @ (y - y.mean())).max(initial=0.0)) / len(y)
    if largest <= np.finfo(np.float64).eps:
        return np.zeros(0)
    ratio = min_ratio if min_ratio is not None else (1e-4 if X.shape[0] > X.shape[1] else 1e-2)
    return largest * np.exp(np.linspace(0.0, np.log(ratio), count))


def fit_path(X: Floats, y: Floats, *, lambdas: Floats, stop_early: bool = True) -> Path:
    """The LASSO of y (n,) of 0 and 1 on X (n, p) at each of the descending `lambdas`, each from the one before.

    With `stop_early` the path ends as glmnet's does, once the deviance is explained or no longer changes; it is then
    shorter than `lambdas`. Raises PipelineError if the solver does not converge.
    """
    Z, mean, scale = _standardised(X)
    active = ActiveSet(Z, y)
    null = active.deviance
    solutions: list[Floats] = []
    before = 0.0
    for penalty in lambdas:
        active.minimise(float(penalty))
        solutions.append(active.weights)
        explained = 1 - active.deviance / null
        saturated = explained > MAX_EXPLAINED or explained - before < MIN_GAIN * explained
        if stop_early and saturated and len(solutions) >= MIN_LAMBDAS:
            break
        before = explained
    found = np.array(solutions).reshape(len(solutions), X.shape[1] + 1)
    coefficients = found[:, :-1] / scale
    return Path(lambdas=lambdas[: len(found)], intercepts=found[:, -1] - coefficients @ mean, coefficients=coefficients)


def _standardised(X: Floats) -> tuple[Floats, Floats, Floats]:
    """X with mean 0 and 1/n variance 1 in Fortran order, its means, its scales (constant: 1)."""
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(X).max(axis=0, initial=0.0), scale, np.inf)
    return np.asfortranarray((X - mean) / scale), mean, scale
