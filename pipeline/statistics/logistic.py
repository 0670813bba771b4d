"""Maximum-likelihood logistic regression on a handful of columns, as fitted by R's glm(family = binomial)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog
from scipy.special import expit
from scipy.stats import chi2

from pipeline.statistics.roc import as_labels

Numbers = NDArray[np.float64]
MAX_STEPS, MAX_HALVINGS = 200, 60
NEAR = 1e-9  # convergence: gain of a Newton step relative to the deviance, so small that the step reaches the maximum
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class LogisticFit:
    """Coefficients, shape (k,), their covariance, shape (k, k), and the deviance (-2 log-likelihood)."""

    coefficients: Numbers
    covariance: Numbers
    deviance: float


def _deviance(linear: Numbers, labels: NDArray[np.bool_]) -> float:
    return 2 * float(np.logaddexp(0, np.where(labels, -linear, linear)).sum())


def fit_logistic(
    columns: ArrayLike, *, labels: ArrayLike, offset: ArrayLike = 0.0, start: ArrayLike = 0.0
) -> LogisticFit:
    """The maximum-likelihood fit of labels, shape (n,), on `columns`, shape (n, k), a constant among them if wanted.

    Newton's method with step halving, from the coefficients `start`, shape (k,); `offset`, shape (n,), is added to the
    linear predictor with coefficient 1. A large offset needs a start that compensates for it.
    The caller ensures that the maximum exists (`separated`) and that the columns are linearly independent.
    Raises ValueError as `as_labels`, or if no maximum is reached.
    """
    X, positive = np.asarray(columns, dtype=np.float64), as_labels(labels)
    fixed = np.broadcast_to(np.asarray(offset, dtype=np.float64), positive.shape)
    beta = np.broadcast_to(np.asarray(start, dtype=np.float64), X.shape[1:])
    deviance = _deviance(X @ beta + fixed, positive)
    for _ in range(MAX_STEPS):
        p = expit(X @ beta + fixed)
        gradient, information = X.T @ (positive - p), (X.T * (p * (1 - p))) @ X
        step = _solved(information, gradient)
        if gradient @ step <= NEAR * (1 + deviance):
            beta = beta + step
            found = _deviance(X @ beta + fixed, positive)
            return LogisticFit(coefficients=beta, covariance=np.linalg.inv(information), deviance=found)
        for _ in range(MAX_HALVINGS):
            found = _deviance(X @ (beta + step) + fixed, positive)
            if found <= deviance:
                break
            step = step / 2
        beta, deviance = beta + step, found
    raise ValueError(f"the logistic regression did not converge in {MAX_STEPS} steps; are the classes separated?")


def _solved(information: Numbers, gradient: Numbers) -> Numbers:
    """The Newton step. Raises ValueError if every patient's probability is numerically 0 or 1."""
    try:
        return np.asarray(np.linalg.solve(information, gradient))
    except np.linalg.LinAlgError as error:
        raise ValueError("the logistic regression has no information: all its probabilities are 0 or 1") from error


def separated(columns: ArrayLike, *, labels: ArrayLike) -> bool:
    """Whether some linear combination of `columns`, shape (n, k), separates the classes, ties allowed: no maximum then.

    The largest sum of margins over bounded weights is above 0, by linear programming (Albert and Anderson 1984;
    Konis 2007). Raises ValueError as `as_labels`.
    """
    X = np.asarray(columns, dtype=np.float64)
    scale = np.abs(X).max(axis=0)
    margins = X / np.where(scale > 0, scale, 1.0) * np.where(as_labels(labels), 1.0, -1.0)[:, np.newaxis]
    found = linprog(-margins.sum(axis=0), A_ub=-margins, b_ub=np.zeros(len(X)), bounds=(-1, 1), method="highs")
    return bool(-found.fun > 1e-6)


@dataclass(frozen=True, kw_only=True)
class RatioTest:
    """Chi-square of a likelihood-ratio test, its degrees of freedom, p."""

    chi2: float
    df: int
    p_value: float


def likelihood_ratio_test(small: ArrayLike, *, large: ArrayLike, labels: ArrayLike) -> RatioTest:
    """Whether the columns that `large`, shape (n, k), has beyond `small`, shape (n, j), improve the fit to the labels.

    chi2 = deviance of the small model - deviance of the large one, each with an added constant; df = the gain in rank:
    R's anova(glm(y ~ small), glm(y ~ small + more), test = "LRT"). If no rank is gained (a copy, a constant), chi2
    is 0, df 0 and p 1. chi2 and p are NaN by rule if the large model separates the classes: its likelihood has no
    maximum. Raises ValueError as `as_labels`.
    """
    bases = [_basis(columns, n=np.size(labels)) for columns in (small, large)]
    df = bases[1].shape[1] - bases[0].shape[1]
    if df == 0:
        return RatioTest(chi2=0.0, df=0, p_value=1.0)
    if separated(bases[1], labels=labels):
        return RatioTest(chi2=NAN, df=df, p_value=NAN)
    one, other = (fit_logistic(basis, labels=labels).deviance for basis in bases)
    statistic = max(0.0, one - other)
    return RatioTest(chi2=statistic, df=df, p_value=float(chi2.sf(statistic, df)))


def _basis(columns: ArrayLike, *, n: int) -> Numbers:
    """A constant, and an uncorrelated basis of the centred, scaled `columns`; shape (n, rank + 1)."""
    table = np.asarray(columns, dtype=np.float64).reshape(n, -1)
    centred = table - table.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    kept = centred[:, spread > 1e-9] / spread[spread > 1e-9]
    vectors, sizes, _ = np.linalg.svd(kept, full_matrices=False)
    found = vectors[:, sizes > 1e-7 * sizes.max(initial=0.0)] * np.sqrt(n)
    return np.column_stack([np.ones(n), found])
