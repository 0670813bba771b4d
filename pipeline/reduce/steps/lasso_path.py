"""The binomial LASSO along a grid of lambdas, on standardised features: an active set first, skglm if it fails.

Objective as in glmnet: -loglik / n + lambda * |b|_1, intercept not penalised, features standardised with 1/n variance
(Friedman, Hastie, Tibshirani 2010, J Stat Softw 33:1). From one lambda to the next a few features enter or leave
the active set: over the active features the objective is smooth, and Newton's method reaches its minimum to rounding.
A solution is accepted only if it satisfies the optimality conditions over all features. If none is found, skglm's
working-set solver (Bertrand et al. 2022, NeurIPS) solves that lambda; it is not the first choice since it compiles for
ten seconds in every process.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.foundation.errors import PipelineError

Floats = NDArray[np.float64]
MAX_EXPLAINED = 0.999  # glmnet's devmax: the path ends where this fraction of the null deviance is explained …
MIN_GAIN = 1e-5  # … or (fdev) a step explains less than this fraction more, after
MIN_LAMBDAS = 5  # (mnlam) at least this many lambdas
FIRST_TOLERANCE, LAST_TOLERANCE = 1e-2, 1e-8  # of the solver's optimality conditions, as a fraction of lambda
MAX_CHANGES, MAX_STEPS = 100, 100  # features added at one lambda; Newton steps for one active set
MAX_ITERATIONS = 1000  # of skglm, outer and inner
SLACK = 1e-9  # fraction of lambda by which the gradient of a zero coefficient may exceed lambda (rounding)


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
    weights = np.zeros(X.shape[1] + 1)  # the intercept is last, as in skglm
    weights[-1] = np.log(y.mean() / (1 - y.mean()))
    null = _deviance(y, np.full(len(y), weights[-1]))
    solutions: list[Floats] = []
    before = 0.0
    for penalty in lambdas:
        weights = _solution(Z, y, start=weights, penalty=float(penalty))
        solutions.append(weights)
        explained = 1 - _deviance(y, Z @ weights[:-1] + weights[-1]) / null
        saturated = explained > MAX_EXPLAINED or explained - before < MIN_GAIN * explained
        if stop_early and saturated and len(solutions) >= MIN_LAMBDAS:
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
    return 2 * float(np.logaddexp(0.0, (1 - 2 * y) * log_odds).sum()) / len(y)


def _solution(Z: Floats, y: Floats, *, start: Floats, penalty: float) -> Floats:
    """The solution at one lambda: by the active set from the previous lambda, else from the solution of skglm."""
    exact = _by_active_set(Z, y, start=start, penalty=penalty)
    tolerance = FIRST_TOLERANCE
    while exact is None:
        start = _by_skglm(Z, y, start=start, penalty=penalty, tolerance=tolerance * penalty)
        exact = _by_active_set(Z, y, start=start, penalty=penalty)
        tolerance /= 10
        if exact is None and tolerance < LAST_TOLERANCE:
            return start  # if the optimum is flat to rounding, the solver's solution is as good as any
    return exact


def _by_active_set(Z: Floats, y: Floats, *, start: Floats, penalty: float) -> Floats | None:
    """Minimise over the active features, add the one that violates the conditions most, repeat until none does.

    None if this does not end within MAX_CHANGES, or the minimum over the active features is not found.
    """
    used = np.flatnonzero(start[:-1])
    signs, values = np.sign(start[used]), np.concatenate([start[-1:], start[used]])
    for _ in range(MAX_CHANGES):
        found = _restricted_minimum(Z, y, used=used, signs=signs, values=values, penalty=penalty)
        if found is None:
            return None
        used, signs, values = found
        slope = Z.T @ (expit(Z[:, used] @ values[1:] + values[0]) - y) / len(y)
        slope[used] = 0.0
        worst = int(np.abs(slope).argmax()) if len(slope) else 0
        if not len(slope) or abs(slope[worst]) <= penalty * (1 + SLACK):
            weights = np.zeros_like(start)
            weights[-1], weights[used] = values[0], values[1:]
            return weights
        used, signs = np.append(used, worst), np.append(signs, -np.sign(slope[worst]))
        values = np.append(values, 0.0)
    return None


def _restricted_minimum(
    Z: Floats, y: Floats, *, used: NDArray[np.intp], signs: Floats, values: Floats, penalty: float
) -> tuple[NDArray[np.intp], Floats, Floats] | None:
    """Newton's method over the features `used`, whose coefficients keep their `signs`; one that reaches 0 is dropped.

    `values` holds the intercept, then the coefficients. Returns used, signs and values at the minimum.
    """
    columns, slope = _restricted(Z, used, signs=signs, penalty=penalty)
    objective = _objective(columns, y, values, slope)
    for _ in range(MAX_STEPS):
        fitted = expit(columns @ values)
        curvature = (columns * (fitted * (1 - fitted))[:, None]).T @ columns
        try:
            step = -np.linalg.solve(curvature, columns.T @ (fitted - y) + slope * len(y))
        except np.linalg.LinAlgError:
            return None
        crossing = np.flatnonzero((values[1:] + step[1:]) * signs < 0)
        lengths = -values[1:][crossing] / step[1:][crossing]
        limit = float(min(lengths.min(initial=1.0), 1.0))
        length, before = limit, objective
        while not (objective := _objective(columns, y, values + length * step, slope)) <= before + 1e-13:
            length /= 2
            if length < 1e-6:
                return None
        values = values + length * step
        if len(crossing) and length == limit:
            zero = crossing[lengths.argmin()]
            used, signs, values = np.delete(used, zero), np.delete(signs, zero), np.delete(values, zero + 1)
            columns, slope = _restricted(Z, used, signs=signs, penalty=penalty)
        elif np.abs(step).max() < 1e-10 * max(1.0, np.abs(values).max()):
            return used, signs, values
    return None


def _restricted(Z: Floats, used: NDArray[np.intp], *, signs: Floats, penalty: float) -> tuple[Floats, Floats]:
    """The columns in use after one of ones for the intercept, and the slope of the penalty along them."""
    columns = np.ones((len(Z), len(used) + 1))
    columns[:, 1:] = Z[:, used]
    return columns, np.concatenate([[0.0], penalty * signs])


def _objective(columns: Floats, y: Floats, values: Floats, slope: Floats) -> float:
    return _deviance(y, columns @ values) / 2 + float(slope @ values)


def _by_skglm(Z: Floats, y: Floats, *, start: Floats, penalty: float, tolerance: float) -> Floats:
    # Imported here: skglm takes seconds to import and compile, and not every reduction needs it.
    from skglm.datafits import Logistic
    from skglm.penalties import L1
    from skglm.solvers import ProxNewton
    from sklearn.exceptions import ConvergenceWarning

    solver: Any = ProxNewton(max_iter=MAX_ITERATIONS, max_pn_iter=MAX_ITERATIONS, tol=tolerance, fit_intercept=True)
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
