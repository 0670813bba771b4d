"""Calibration of probabilities: recalibration line, calibration-in-the-large, observed to expected, and losses.

The line is that of Cox 1958: logit P(event) = intercept + slope · logit(probability). Perfect: intercept 0, slope 1;
a slope below 1 means predictions that are too extreme. Probabilities are clipped to 1e-6 … 1 - 1e-6 wherever their
log-odds are needed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline
from scipy.special import logit
from scipy.stats import norm

from pipeline.statistics.logistic import fit_logistic
from pipeline.statistics.proportions import Proportion
from pipeline.statistics.roc import NO_INTERVAL, Interval, as_labels, as_scores

Numbers = NDArray[np.float64]
CLIP = 1e-6
FLAT = 1e-6  # log-odds that vary less than this have no slope
MAX_STEPS = 40
NAN = float("nan")


def clipped(scores: ArrayLike) -> Numbers:
    """Probabilities, shape (n,), clipped to 1e-6 … 1 - 1e-6.

    Raises ValueError if one is missing or not between 0 and 1.
    """
    p = np.asarray(scores, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("a probability is missing or not between 0 and 1")
    return np.clip(p, CLIP, 1 - CLIP)


@dataclass(frozen=True, kw_only=True)
class CalibrationLine:
    """Intercept and slope with their profile-likelihood and Wald intervals; all NaN if there is no line."""

    intercept: float
    slope: float
    intercept_profile: Interval
    slope_profile: Interval
    intercept_wald: Interval
    slope_wald: Interval


NO_LINE = CalibrationLine(
    intercept=NAN,
    slope=NAN,
    intercept_profile=NO_INTERVAL,
    slope_profile=NO_INTERVAL,
    intercept_wald=NO_INTERVAL,
    slope_wald=NO_INTERVAL,
)


def calibration_line(scores: ArrayLike, *, labels: ArrayLike, level: float = 0.95) -> CalibrationLine:
    """Intercept and slope of glm(y ~ logit(p), binomial); probabilities and labels of shape (n,).

    The profile interval is R's confint, the Wald interval (estimate ± z · SE) R's confint.default.
    NaN by rule if the log-odds vary by less than 1e-6 (no slope can be estimated), or if the probabilities separate
    the classes (the slope is infinite). Raises ValueError as `as_labels` and `clipped`.
    """
    positive, x = as_labels(labels), logit(clipped(scores))
    if np.ptp(x) < FLAT or _separates(x, positive):
        return NO_LINE
    middle, ones = float(x.mean()), np.ones((x.size, 1))
    fit = fit_logistic(np.column_stack([ones, x - middle]), labels=positive)
    height, slope = (float(value) for value in fit.coefficients)
    intercept = height - slope * middle
    back = np.array([1.0, -middle])
    errors = float(back @ fit.covariance @ back) ** 0.5, float(fit.covariance[1, 1]) ** 0.5
    # How the slope adjusts to another intercept: without it, a distant intercept puts every probability at 0 or 1.
    tangent = float(back @ fit.covariance[:, 1]) / errors[0] ** 2

    def at_intercept(value: float) -> float:
        start = slope + tangent * (value - intercept)
        return fit_logistic(x[:, np.newaxis], labels=positive, offset=value, start=start).deviance - fit.deviance

    def at_slope(value: float) -> float:
        return fit_logistic(ones, labels=positive, offset=value * (x - middle)).deviance - fit.deviance

    quantile = float(norm.ppf((1 + level) / 2))
    return CalibrationLine(
        intercept=intercept,
        slope=slope,
        intercept_profile=profile_interval(at_intercept, estimate=intercept, error=errors[0], level=level),
        slope_profile=profile_interval(at_slope, estimate=slope, error=errors[1], level=level),
        intercept_wald=(intercept - quantile * errors[0], intercept + quantile * errors[0]),
        slope_wald=(slope - quantile * errors[1], slope + quantile * errors[1]),
    )


def _separates(x: Numbers, positive: NDArray[np.bool_]) -> bool:
    """Whether no patient of one class lies beyond one of the other, ties allowed."""
    events, non_events = x[positive], x[~positive]
    return bool(events.min() >= non_events.max() or events.max() <= non_events.min())


def profile_interval(excess: Callable[[float], float], *, estimate: float, error: float, level: float) -> Interval:
    """The values at which the signed root of the deviance in excess of its minimum is ± the normal quantile.

    `excess` maps a value of the coefficient to that excess, the other coefficients refitted. As in R's confint.glm:
    the root is computed at steps of a fifth of the two-sided quantile of (3 + level) / 4, in units of SE, until it
    exceeds that quantile; a cubic spline through these, evaluated at three times as many points, is interpolated
    linearly. R stops after ten steps (classes almost separated); here they continue to `MAX_STEPS`. A limit that is
    not reached by then, or cannot be computed, is NaN.
    """
    far = float(norm.ppf(1 - (1 - level) / 8))
    values, roots = [estimate], [0.0]
    for sign in (-1.0, 1.0):
        for step in range(1, MAX_STEPS + 1):
            value = estimate + sign * step * far / 5 * error
            try:
                root = sign * max(0.0, excess(value)) ** 0.5
            except ValueError:  # so far out that every patient's probability is 0 or 1
                break
            values.append(value)
            roots.append(root)
            if abs(root) >= far:
                break
    if len(values) < 3:
        return NO_INTERVAL
    order = np.argsort(values)
    drawn = np.linspace(min(values), max(values), 3 * len(values))
    spline = CubicSpline(np.asarray(values)[order], np.asarray(roots)[order])
    heights = np.maximum.accumulate(spline(drawn))
    cut = float(norm.ppf((1 + level) / 2))
    low, high = np.interp([-cut, cut], heights, drawn, left=NAN, right=NAN)
    return float(low), float(high)


def in_the_large(scores: ArrayLike, *, labels: ArrayLike, level: float = 0.95) -> Proportion:
    """Calibration-in-the-large: the intercept of glm(y ~ offset(logit(p)), binomial), with its Wald interval.

    Above 0: more events than the model predicts. Raises ValueError as `as_labels` and `clipped`.
    """
    x = logit(clipped(scores))
    fit = fit_logistic(np.ones((x.size, 1)), labels=labels, offset=x)
    estimate = float(fit.coefficients[0])
    half = float(norm.ppf((1 + level) / 2)) * float(fit.covariance[0, 0]) ** 0.5
    return Proportion(estimate, estimate - half, estimate + half)


def observed_expected(scores: ArrayLike, *, labels: ArrayLike, level: float = 0.95) -> Proportion:
    """Observed events over the sum of probabilities, O / E, with an interval on the log scale.

    log(O / E) ± z · sqrt((1 - O / n) / O); the expected number is treated as known (Debray et al. 2017).
    Raises ValueError as `as_labels` and `clipped`.
    """
    positive, expected = as_labels(labels), float(clipped(scores).sum())
    observed = int(positive.sum())
    ratio = observed / expected
    factor = float(np.exp(norm.ppf((1 + level) / 2) * ((1 - observed / positive.size) / observed) ** 0.5))
    return Proportion(ratio, ratio / factor, ratio * factor)


def losses(scores: ArrayLike, *, labels: ArrayLike) -> dict[str, Numbers]:
    """Each patient's contribution to brier, scaled_brier and log_loss, shape (n,) each: the means are the measures.

    brier = (p - y)². scaled_brier = 1 - brier / (v · (1 - v)) with v the fraction of events: 1 is perfect, 0 no better
    than predicting that fraction for every patient. log_loss = -log of the probability given to the observed outcome,
    p clipped to 1e-6 … 1 - 1e-6. Raises ValueError as `as_labels` and `clipped`.
    """
    positive, p = as_labels(labels), clipped(scores)
    squares = (np.asarray(scores, dtype=np.float64) - positive) ** 2
    prevalence = float(positive.mean())
    return {
        "brier": squares,
        "scaled_brier": 1 - squares / (prevalence * (1 - prevalence)),
        "log_loss": -np.log(np.where(positive, p, 1 - p)),
    }


def brier(scores: ArrayLike, *, labels: ArrayLike) -> float:
    """Mean squared difference of probability and outcome, shape (n,) each (Brier 1950); 0 is perfect.

    Raises ValueError as `as_labels` and `as_scores`.
    """
    event = as_labels(labels)
    return float(np.mean((as_scores(scores, n=event.size) - event) ** 2))
