"""Intraclass correlation (ICC): agreement of repeated measurements of the same subjects, for many features at once.

Six forms, by the names of McGraw and Wong (Psychol Methods 1996;1:30) and of R's irr::icc. With n subjects (rows), k
raters (columns) and the mean squares between subjects MSR, between raters MSC, within subjects MSW and residual MSE:

- ICC(1)   = (MSR - MSW) / (MSR + (k - 1) MSW): one-way; it is unknown which rater gave which value.
- ICC(C,1) = (MSR - MSE) / (MSR + (k - 1) MSE): two-way, consistency; a constant shift between raters does not count.
- ICC(A,1) = (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n): two-way, absolute agreement; such a shift counts.
- ICC(k), ICC(C,k), ICC(A,k): the same for the mean of the k raters.

F = MSR / MSW or MSR / MSE tests ICC = 0, with exact degrees of freedom (psych::ICC; irr::icc uses those of the
interval for the agreement forms). Intervals are McGraw and Wong's; those of the agreement forms use Satterthwaite's
degrees of freedom, given as `df_interval`. The interval of ICC(A,k) is that of ICC(A,1) by the Spearman-Brown formula,
as in psych::ICC; irr::icc counts k twice in its degrees of freedom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import f as f_distribution

Form = Literal["ICC(1)", "ICC(k)", "ICC(C,1)", "ICC(C,k)", "ICC(A,1)", "ICC(A,k)"]
Numbers = NDArray[np.float64]
COLUMNS = ["feature", "form", "icc", "ci_low", "ci_high", "f_value", "df1", "df2", "p_value", "df_interval"]
# Differences below this fraction of a feature's largest value are rounding errors.
ROUNDING = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, kw_only=True)
class MeanSquares:
    """Mean squares of p features, each of shape (p,), over `n` (p,) complete subjects and `k` raters."""

    subjects: Numbers
    raters: Numbers
    within: Numbers
    residual: Numbers
    n: Numbers
    k: int


def icc(
    values: ArrayLike, *, form: Form = "ICC(A,1)", names: Sequence[str] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """The ICC of each feature with its interval and test, one row per feature.

    `values` has the shape (subjects, raters, features), or (subjects, raters) for one feature; `names` are those of
    the features. A subject with a NaN in a feature is excluded from that feature; `n_subjects` counts the remaining
    ones. Negative values stay negative. By rule: no difference within subjects gives 1 with the limits 1 and 1 and
    p = 0; the ICC is undefined (NaN) for a constant feature, for one with fewer than two complete subjects, and for a
    mean form whose denominator is not positive. Raises ValueError for an unknown form, fewer than two raters, infinite
    values, a wrong number of names, or a level outside (0, 1).
    """
    squares = mean_squares(values)
    features = [str(place) for place in range(squares.n.size)] if names is None else list(names)
    if form not in get_args(Form):
        raise ValueError(f"form ({form}) must be one of {', '.join(get_args(Form))}")
    if len(features) != squares.n.size:
        raise ValueError(f"names ({len(features)}) must be as many as the features ({squares.n.size})")
    if not 0 < level < 1:
        raise ValueError(f"level ({level}) must lie between 0 and 1")
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        table = _agreement(squares, mean=form == "ICC(A,k)", level=level) if "(A" in form else None
        if table is None:
            table = _ratio_form(squares, form=form, level=level)
    table = table.where(np.isfinite(table) | (table.columns == "f_value"))
    table.insert(0, "feature", features)
    table.insert(1, "form", form)
    return table[COLUMNS].assign(n_subjects=squares.n.astype(np.int64), n_raters=squares.k)


def mean_squares(values: ArrayLike) -> MeanSquares:
    """The two-way analysis of variance of each feature over its complete subjects; `values` as in `icc`.

    NaN if fewer than two subjects are complete. Raises ValueError for fewer than two raters or infinite values.
    """
    given = np.asarray(values, dtype=np.float64)
    given = given[:, :, np.newaxis] if given.ndim == 2 else given
    if given.ndim != 3 or given.shape[1] < 2:
        raise ValueError(f"values have the shape {given.shape}; (subjects, raters of 2 or more, features) is needed")
    if np.isinf(given).any():
        raise ValueError("a value is infinite")
    whole = ~np.isnan(given).any(axis=1, keepdims=True)
    n, k = whole.sum(axis=(0, 1)).astype(np.float64), given.shape[1]
    x = np.where(whole, given, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Computed from differences to the first rater, so that equal values differ by exactly zero.
        apart = x - x[:, :1]
        subjects = x[:, :1] + apart.mean(axis=1, keepdims=True)
        inside = apart - apart.mean(axis=1, keepdims=True)
        shift = inside.sum(axis=0, keepdims=True) / n
        centred = np.where(whole, subjects - subjects.sum(axis=0, keepdims=True) / n, 0.0)
        residual = np.where(whole, inside - shift, 0.0)
        small = n * k * (ROUNDING * np.abs(x).max(axis=(0, 1), initial=0.0)) ** 2
        sums = [k * (centred**2).sum(axis=(0, 1)), n * (shift**2).sum(axis=(0, 1))]
        sums += [(inside**2).sum(axis=(0, 1)), (residual**2).sum(axis=(0, 1))]
        degrees = [n - 1, np.full_like(n, k - 1), n * (k - 1), (n - 1) * (k - 1)]
        between, raters, within, rest = (
            np.where(n < 2, np.nan, np.where(total <= small, 0.0, total) / df)
            for total, df in zip(sums, degrees, strict=True)
        )
    return MeanSquares(subjects=between, raters=raters, within=within, residual=rest, n=n, k=k)


def _ratio_form(squares: MeanSquares, *, form: Form, level: float) -> pd.DataFrame:
    """The forms that depend on a single F: one-way and consistency."""
    one_way, mean = "(C" not in form, form.endswith("k)")
    k, df1 = squares.k, squares.n - 1
    df2 = squares.n * (k - 1) if one_way else df1 * (k - 1)
    ratio = squares.subjects / (squares.within if one_way else squares.residual)
    upper = (1 + level) / 2

    def coefficient(value: Numbers) -> Numbers:
        of_mean = 1 - 1 / value
        # (F - 1) / (F + k - 1), written so that an infinite F gives 1.
        return of_mean if mean else of_mean / (1 + (k - 1) / value)

    at_zero = np.nan if mean else -1 / (k - 1)
    low = ratio / f_distribution.ppf(upper, df1, df2)
    high = ratio * f_distribution.ppf(upper, df2, df1)
    parts = {"icc": ratio, "ci_low": low, "ci_high": high}
    found = {name: np.where(value == 0, at_zero, coefficient(value)) for name, value in parts.items()}
    return pd.DataFrame(found | _test(ratio, df1=df1, df2=df2, df_interval=df2))


def _agreement(squares: MeanSquares, *, mean: bool, level: float) -> pd.DataFrame:
    """Absolute agreement of a single rater or of the mean of all raters."""
    n, k, msr, msc, mse = squares.n, squares.k, squares.subjects, squares.raters, squares.residual
    # With w = 1 or k raters in the mean, both forms are (MSR - MSE) / (MSR + (k/w - 1) MSE + k/w (MSC - MSE) / n).
    weight = 1 if mean else k
    denominator = msr + (weight - 1) * mse + weight * (msc - mse) / n
    value = np.where(denominator > 0, (msr - mse) / denominator, np.nan)
    odds = weight * value / (n * (1 - value))
    of_raters, of_rest = odds * msc, (1 + odds * (n - 1)) * mse
    df = (of_raters + of_rest) ** 2 / (of_raters**2 / (k - 1) + of_rest**2 / ((n - 1) * (k - 1)))
    upper = (1 + level) / 2
    below, above = f_distribution.ppf(upper, n - 1, df), f_distribution.ppf(upper, df, n - 1)
    spread = weight * msc + (weight * (n - 1) - n) * mse
    low = n * (msr - below * mse) / (below * spread + n * msr)
    high = n * (above * msr - mse) / (spread + n * above * msr)
    perfect = (mse == 0) & (msc == 0) & (msr > 0)
    limits = {"ci_low": np.where(perfect, 1.0, low), "ci_high": np.where(perfect, 1.0, high)}
    test = _test(msr / mse, df1=n - 1, df2=(n - 1) * (k - 1), df_interval=df)
    return pd.DataFrame({"icc": value} | limits | test)


def _test(ratio: Numbers, *, df1: Numbers, df2: Numbers, df_interval: Numbers) -> dict[str, Numbers]:
    p_value = f_distribution.sf(ratio, df1, df2)
    return {"f_value": ratio, "df1": df1, "df2": df2, "p_value": p_value, "df_interval": df_interval}
