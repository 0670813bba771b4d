"""The binomial LASSO along a grid of lambdas, on standardised features: skglm finds the features, Newton the values.

Objective as in glmnet: -loglik / n + lambda * |b|_1, intercept not penalised, features standardised with 1/n variance
(Friedman, Hastie, Tibshirani 2010, J Stat Softw 33:1). skglm's working-set solver (Bertrand et al. 2022, NeurIPS)
settles which coefficients are not zero; on these alone the objective is smooth, and a few Newton steps reach its
minimum to rounding. The answer is kept only if it fulfils the optimality conditions over all features.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.errors import PipelineError

Floats = NDArray[np.float64]
MAX_EXPLAINED = 0.999  # glmnet's devmax: the path ends where this fraction of the null deviance is explained …
LEAST_GAIN = 1e-5  # … or (fdev) where a step explains less than this fraction more, after
LEAST_LAMBDAS = 5  # (mnlam) so many lambdas
FIRST_TOLERANCE, LAST_TOLERANCE = 1e-2, 1e-8  # of the solver's optimality conditions, as a fraction of lambda
SLACK = 1e-9  # by how much of lambda a zero coefficient's gradient may exceed it (rounding)


@dataclass(frozen=True, kw_only=True)
class Path:
    """Solutions at `lambdas` (L,), descending: `intercepts` (L,) and `coefficients` (L, p) on the scale of X."""

    lambdas: Floats
    intercepts: Floats
    coefficients: Floats

    @property
    def n_nonzero(self) -> NDArray[np.int64]:
        """Number of coefficients that are not zero, by lambda."""
        return np.count_nonzero(self.coefficients, axis=1)

    def log_odds(self, X: Floats) -> Floats:
        """The linear predictor (n, L) of the rows of X."""
        return X @ self.coefficients.T + self.intercepts


def lambda_grid(X: Floats, y: Floats, *, count: int, min_ratio: float | None = None) -> Floats:
    """`count` lambdas from the least that keeps no feature down to `min_ratio` of it, evenly on the log scale.

    `min_ratio` None is glmnet's default: 1e-4 where there are more rows than features, else 1e-2. Empty where no
    feature of X (n, p) goes with y (n,) at all.
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
    shorter than `lambdas`. Raises PipelineError where the solver does not converge.
    """
    Z, mean, scale = _standardised(X)
    weights = np.zeros(X.shape[1] + 1)  # the intercept is last, as skglm has it
    weights[-1] = np.log(y.mean() / (1 - y.mean()))
    null = _deviance(y, np.full(len(y), weights[-1]))
    solutions: list[Floats] = []
    before = 0.0
    for penalty in lambdas:
        weights = _solution(Z, y, start=weights, penalty=float(penalty))
        solutions.append(weights)
        explained = 1 - _deviance(y, Z @ weights[:-1] + weights[-1]) / null
        saturated = explained > MAX_EXPLAINED or explained - before < LEAST_GAIN * explained
        if stop_early and saturated and len(solutions) >= LEAST_LAMBDAS:
            break
        before = explained
    found = np.array(solutions).reshape(len(solutions), X.shape[1] + 1)
    coefficients = found[:, :-1] / scale
    return Path(lambdas=lambdas[: len(found)], intercepts=found[:, -1] - coefficients @ mean, coefficients=coefficients)


def _standardised(X: Floats) -> tuple[Floats, Floats, Floats]:
    """X with mean 0 and 1/n variance 1 in Fortran order (skglm wants columns), its means, its scales (constant: 1)."""
    mean, scale = X.mean(axis=0), X.std(axis=0)
    scale = np.where(scale > 1e-12 * np.abs(X).max(axis=0, initial=0.0), scale, np.inf)
    return np.asfortranarray((X - mean) / scale), mean, scale


def _deviance(y: Floats, log_odds: Floats) -> float:
    return float(2 * np.mean(np.logaddexp(0.0, np.where(y == 1, -log_odds, log_odds))))


def _solution(Z: Floats, y: Floats, *, start: Floats, penalty: float) -> Floats:
    """The exact solution; the set of features of the lambda before is tried first, since it often stays."""
    exact = _exact(Z, y, start=start, penalty=penalty)
    tolerance = FIRST_TOLERANCE
    while exact is None:
        start = _solved(Z, y, start=start, penalty=penalty, tolerance=tolerance * penalty)
        exact = _exact(Z, y, start=start, penalty=penalty)
        tolerance /= 10
        if exact is None and tolerance < LAST_TOLERANCE:
            return start  # features that are copies of each other have no one solution: the solver's is as good
    return exact


def _exact(Z: Floats, y: Floats, *, start: Floats, penalty: float) -> Floats | None:
    """The minimum over the features that `start` uses, with its signs; None where it is not the LASSO's."""
    used = np.flatnonzero(start[:-1])
    signs = np.sign(start[used])
    columns = np.column_stack([np.ones(len(y)), Z[:, used]])
    slope = np.concatenate([[0.0], penalty * signs])
    values = np.concatenate([start[-1:], start[used]])
    for _ in range(25):
        fitted = expit(columns @ values)
        curvature = (columns * (fitted * (1 - fitted))[:, None]).T @ columns / len(y)
        try:
            step = np.linalg.solve(curvature, columns.T @ (fitted - y) / len(y) + slope)
        except np.linalg.LinAlgError:
            return None
        values = values - step
        if not np.isfinite(values).all():
            return None
        if np.abs(step).max() < 1e-10 * max(1.0, np.abs(values).max()):
            break
    else:
        return None
    gradient = np.abs(Z.T @ (expit(columns @ values) - y)) / len(y)
    if (np.sign(values[1:]) != signs).any() or gradient.max(initial=0.0) > penalty * (1 + SLACK):
        return None
    weights = np.zeros_like(start)
    weights[-1], weights[used] = values[0], values[1:]
    return weights


def _solved(Z: Floats, y: Floats, *, start: Floats, penalty: float, tolerance: float) -> Floats:
    # Imported here: skglm takes seconds to import and compile, and not every reduction needs it.
    from skglm.datafits import Logistic
    from skglm.penalties import L1
    from skglm.solvers import ProxNewton
    from sklearn.exceptions import ConvergenceWarning

    solver: Any = ProxNewton(max_iter=1000, max_pn_iter=1000, tol=tolerance, fit_intercept=True)
    fitted = Z @ start[:-1] + start[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            # The solver works on these two arrays in place.
            weights, _, _ = solver.solve(Z, 2 * y - 1, Logistic(), L1(penalty), start.copy(), fitted)
        except ConvergenceWarning as error:
            raise PipelineError(
                f"the LASSO did not converge at lambda {penalty:g} on {Z.shape[0]} rows and {Z.shape[1]} features; "
                "raise lasso.min_lambda_ratio in params/reduce.yaml"
            ) from error
    return weights
