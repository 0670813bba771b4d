"""The flexible calibration curve: observed against predicted risk by loess, and its distance from the diagonal.

Quadratic loess of the outcome on the probability, with a span of three quarters of the patients and an interpolated
surface: R's loess(y ~ p) with its defaults (Cleveland 1979; Austin and Steyerberg 2014). Probabilities are clipped to
1e-6 … 1 - 1e-6.

No curve by rule if it would be an artefact of the smoother: fewer than 20 patients, fewer than 10 distinct
probabilities, a span that holds one probability only, or a fit without a solution.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as t_distribution
from skmisc.loess import loess

from pipeline.statistics.bootstrap import percentile_interval, stratified_counts
from pipeline.statistics.calibration import clipped
from pipeline.statistics.roc import NO_INTERVAL, Interval, as_labels

Numbers = NDArray[np.float64]
SPAN, DEGREE = 0.75, 2
MIN_PATIENTS, MIN_DISTINCT = 20, 10
BROKEN = 2.0  # a smooth of zeros and ones outside [-2, 2] is an overflow of the solver, not a risk
MANY = 2000  # with more patients the band is that of groups: the solver's memory grows with the square of their number
NAN = float("nan")


class Distances(NamedTuple):
    """ICI (mean), E50 (median) and E90 (9th decile, type 7) of the patients' distances |curve - probability|."""

    ici: float
    e50: float
    e90: float


@dataclass(frozen=True, kw_only=True)
class CalibrationCurve:
    """Observed risk with its band at each predicted risk, shape (m,) each."""

    predicted: Numbers
    observed: Numbers
    ci_low: Numbers
    ci_high: Numbers


def _smooth(p: Numbers, outcomes: Numbers) -> tuple[loess, Numbers] | None:
    """The fitted loess and its values at `p`; None if there is no curve by rule."""
    _, sizes = np.unique(np.round(p, 9), return_counts=True)
    if p.size < MIN_PATIENTS or sizes.size < MIN_DISTINCT or sizes.max() >= SPAN * p.size:
        return None
    model = loess(p, outcomes, span=SPAN, degree=DEGREE)
    try:
        model.fit()
    except ValueError:  # near-singular: ties leave too few distinct probabilities in a window
        return None
    fitted = np.array(model.outputs.fitted_values, dtype=np.float64)
    return (model, fitted) if bool((np.abs(fitted) <= BROKEN).all()) else None


def calibration_distances(scores: ArrayLike, *, labels: ArrayLike) -> Distances:
    """ICI, E50 and E90 of probabilities, shape (n,), with labels, shape (n,); NaN if there is no curve.

    Source: Austin and Steyerberg 2019. Raises ValueError as `as_labels` and `clipped`.
    """
    apart = _apart(clipped(scores), as_labels(labels).astype(np.float64))
    return Distances(float(apart.mean()), float(np.median(apart)), float(np.quantile(apart, 0.9)))


def _apart(p: Numbers, outcomes: Numbers) -> Numbers:
    """The distance |curve - probability| of each patient, shape (n,); NaN if there is no curve."""
    found = _smooth(p, outcomes)
    return np.full(p.size, NAN) if found is None else np.abs(found[1] - p)


def distance_intervals(
    scores: ArrayLike, *, labels: ArrayLike, replicates: int, seed: int, level: float = 0.95
) -> dict[str, Interval]:
    """Percentile intervals of ICI, E50 and E90, refitting the loess in every stratified sample of patients.

    A distance is never negative and noise increases it: the intervals are biased upwards and never include 0. NaN if
    there is no curve or `replicates` is 0. Raises ValueError as `as_labels` and `clipped`.
    """
    p, outcomes = clipped(scores), as_labels(labels).astype(np.float64)
    if replicates == 0 or _smooth(p, outcomes) is None:
        return dict.fromkeys(Distances._fields, NO_INTERVAL)
    apart = np.array(
        [
            _apart(np.repeat(p, row), np.repeat(outcomes, row))
            for counts in stratified_counts(labels, replicates=replicates, seed=seed)
            for row in counts.astype(np.int64)
        ]
    )
    columns = apart.mean(axis=1), np.median(apart, axis=1), np.quantile(apart, 0.9, axis=1)
    pairs = zip(Distances._fields, columns, strict=True)
    return {name: percentile_interval(values, level=level) for name, values in pairs}


def calibration_curve(
    scores: ArrayLike, *, labels: ArrayLike, at: ArrayLike | None = None, points: int = 51, level: float = 0.95
) -> CalibrationCurve | None:
    """The curve at the probabilities `at`, or at equal steps from the minimum to the maximum; None by rule.

    Band: pointwise, curve ± t · SE on the look-up degrees of freedom of the fit (R's predict(…, se = TRUE)). Curve and
    band are not restricted to 0 … 1. Above 2,000 patients the SE is that of a loess over 1,000 groups of neighbours.
    Raises ValueError as `as_labels` and `clipped`.
    """
    p, outcomes = clipped(scores), as_labels(labels).astype(np.float64)
    found = _smooth(p, outcomes)
    if found is None:
        return None
    grid = np.linspace(p.min(), p.max(), points) if at is None else np.asarray(at, dtype=np.float64)
    observed = np.array(found[0].predict(grid).values)
    half = _half_widths(found[0], p, outcomes, grid=grid, level=level)
    return CalibrationCurve(predicted=grid, observed=observed, ci_low=observed - half, ci_high=observed + half)


def _half_widths(model: loess, p: Numbers, outcomes: Numbers, *, grid: Numbers, level: float) -> Numbers:
    if p.size <= MANY:
        band = model.predict(grid, stderror=True)
        errors = np.array(band.stderr)
    else:
        near, means = _neighbours(p, outcomes, groups=MANY // 2)
        found = _smooth(near, means)
        if found is None:
            return np.full(grid.size, NAN)
        band = found[0].predict(np.clip(grid, near[0], near[-1]), stderror=True)
        # The mean of k patients has 1/k of the variance of one, which is estimated more precisely from all patients.
        scale = model.outputs.residual_scale / found[0].outputs.residual_scale / (p.size / near.size) ** 0.5
        errors = np.array(band.stderr) * scale
    return float(t_distribution.ppf((1 + level) / 2, band.df)) * errors


def _neighbours(p: Numbers, outcomes: Numbers, *, groups: int) -> tuple[Numbers, Numbers]:
    """Mean probability and mean outcome of groups of neighbours, in order, whose sizes differ by at most one."""
    order = np.argsort(p, kind="stable")
    starts = np.linspace(0, p.size, groups, endpoint=False).astype(np.int64)
    sizes = np.diff(np.append(starts, p.size))
    return np.add.reduceat(p[order], starts) / sizes, np.add.reduceat(outcomes[order], starts) / sizes
