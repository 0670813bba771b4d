"""The nomogram of a fitted logistic regression: points that sum exactly to the model's probability.

log-odds = c + sum of b·x, with b = coefficient / scale of the standardised column. The columns are grouped into axes:
one for each clinical variable (with its levels or its "not known"), and one for each other block, the sum of that
block's terms (the score of its features). An axis gives 0 points at the minimum log-odds of its range among the
training rows, and the axis with the widest range spans 100 points, hence

    points of an axis = (its log-odds - the minimum of its range) / (log-odds of one point),
    log-odds = log-odds at 0 points + sum of points · log-odds of one point.

A model fitted on two halves has a nomogram for each; the score is the mean of the two probabilities, recalibrated by
the frozen operating point, so that the whole is the model itself, not an approximation of it.
Source: Banks 1985 (nomograms), Iasonos et al. 2008, J Clin Oncol 26:1364.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.benchmark.model_files import load_model
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import PipelineError
from pipeline.plan.feature_sets import CLINICAL
from pipeline.predictions.operating_point import OperatingPoint
from pipeline.reduce.steps.clinical_encoder import MISSING, EncodedName

Numbers = NDArray[np.float64]
Kind = Literal["number", "category", "score"]
MODEL = "lr"
NOT_KNOWN = "not known"
WIDEST = 100.0  # points
TOLERANCE = 1e-6
FEW = 6  # a variable with at most this many distinct values has a tick for each, and no others


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A value of an axis, or a level (value NaN), with its log-odds."""

    label: str
    value: float
    log_odds: float


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis: log-odds = sum of `terms` (coefficient by column); its range, low to high, among the training rows.

    `ticks` are the levels of a category, the values of a number with few distinct ones, and "not known"; for the values
    of a number or a score from `minimum` to `maximum`, log-odds = slope · value.
    """

    variable: str
    kind: Kind
    terms: Mapping[str, float]
    low: float
    high: float
    ticks: tuple[Tick, ...]
    slope: float = float("nan")
    minimum: float = float("nan")
    maximum: float = float("nan")

    def log_odds(self, rows: pd.DataFrame) -> Numbers:
        """The contribution of the axis to the log-odds of each row, shape (n,)."""
        return rows[list(self.terms)].to_numpy(dtype=np.float64) @ np.array(list(self.terms.values()))


@dataclass(frozen=True, kw_only=True)
class PartNomogram:
    """The nomogram of the model of one part: `at_zero` is the log-odds at 0 points, `per_point` that of one point."""

    part: str
    axes: tuple[Axis, ...]
    at_zero: float
    per_point: float
    min_total: float  # among the training rows
    max_total: float

    def points(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Points by axis, shape (n, axes), for rows of the reduced table; below 0 or above 100 outside the range."""
        points = [(axis.log_odds(rows) - axis.low) / self.per_point for axis in self.axes]
        return pd.DataFrame(np.transpose(points), index=rows.index, columns=[axis.variable for axis in self.axes])

    def probability(self, total: Numbers) -> Numbers:
        """The part's probability at total points `total`, shape (n,)."""
        return np.asarray(expit(self.at_zero + self.per_point * np.asarray(total, dtype=np.float64)))

    def total(self, probability: float) -> float:
        """The total points at which the part's probability is `probability` (between 0 and 1)."""
        return float((np.log(probability / (1 - probability)) - self.at_zero) / self.per_point)


@dataclass(frozen=True, kw_only=True)
class Nomogram:
    """The nomograms of all parts of a model, and the operating point that turns their mean probability into a risk."""

    feature_set: str
    parts: tuple[PartNomogram, ...]
    point: OperatingPoint

    def risk(self, totals: Mapping[str, Numbers]) -> Numbers:
        """The model's risk from the total points of each part, shape (n,) each, with the patients in the same order."""
        return self.point.recalibrate(np.mean([part.probability(totals[part.part]) for part in self.parts], axis=0))


def linear_terms(model: Any, *, features: Sequence[str]) -> tuple[float, pd.Series]:
    """Intercept and coefficients by column of a standardised logistic regression, on the scale of the raw columns.

    log-odds = b0 + sum of b_j (x_j - mean_j) / scale_j. Raises ValueError if it is not such a model.
    """
    try:
        scaler, regression = model["scale"], model["model"]
        weights = regression.coef_[0] / scaler.scale_
        intercept = float(regression.intercept_[0] - weights @ scaler.mean_)
    except (TypeError, KeyError, AttributeError) as error:
        msg = f"model ({type(model).__name__}) must be a standardised logistic regression"
        raise ValueError(msg) from error
    return intercept, pd.Series(weights, index=list(features), dtype=np.float64)


def part_nomogram(part: str, *, intercept: float, coefficients: pd.Series, train: pd.DataFrame) -> PartNomogram | None:
    """The nomogram of log-odds = intercept + train · coefficients, with the ranges of the training rows.

    `train` (n, columns) has the columns of `coefficients`. None if no column changes the probability.
    """
    axes = [_axis(name, columns, coefficients, train) for name, columns in _groups(coefficients.index)]
    widest = max((axis.high - axis.low for axis in axes), default=0.0)
    if not widest > 0:
        return None
    log_odds = intercept + train[list(coefficients.index)].to_numpy(dtype=np.float64) @ coefficients.to_numpy()
    at_zero, per_point = intercept + sum(axis.low for axis in axes), widest / WIDEST
    return PartNomogram(
        part=part,
        axes=tuple(axes),
        at_zero=float(at_zero),
        per_point=float(per_point),
        min_total=float((log_odds.min() - at_zero) / per_point),
        max_total=float((log_odds.max() - at_zero) / per_point),
    )


def _groups(columns: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Name and columns of each axis: a clinical variable with its levels and its indicator, or all of another block."""
    groups: dict[tuple[bool, str], list[str]] = {}  # key: whether it is clinical, and its name
    for column in columns:
        block = column.partition(".")[0]
        key = (True, _clinical(column).variable) if block == CLINICAL else (False, block)
        groups.setdefault(key, []).append(column)
    return [
        (f"{name}{MISSING}" if clinical and _indicators(own) == own else name, own)
        for (clinical, name), own in groups.items()
    ]


def _clinical(column: str) -> EncodedName:
    return EncodedName.of(column.removeprefix(f"{CLINICAL}."))


def _indicators(columns: Sequence[str]) -> list[str]:
    return [column for column in columns if _clinical(column).missing]


def _axis(name: str, columns: list[str], coefficients: pd.Series, train: pd.DataFrame) -> Axis:
    terms = {column: float(coefficients[column]) for column in columns}
    if not columns[0].startswith(f"{CLINICAL}."):
        sums = train[columns].to_numpy(dtype=np.float64) @ np.array(list(terms.values()))
        low, high = float(sums.min()), float(sums.max())
        return Axis(
            variable=name, kind="score", terms=terms, low=low, high=high, ticks=(), slope=1.0, minimum=low, maximum=high
        )
    levels = {column: level for column in columns if (level := _clinical(column).level) is not None}
    indicator = next(iter(_indicators(columns)), None) if len(columns) > 1 else None
    return _category(name, levels, indicator, terms) if levels else _number(name, indicator, terms, train)


def _category(name: str, levels: Mapping[str, str], indicator: str | None, terms: Mapping[str, float]) -> Axis:
    ticks = [Tick(label=level, value=float("nan"), log_odds=terms[column]) for column, level in levels.items()]
    if indicator is not None:
        ticks.append(Tick(label=NOT_KNOWN, value=float("nan"), log_odds=terms[indicator]))
    if len(ticks) == 1:
        ticks.append(Tick(label=f"not {ticks[0].label}", value=float("nan"), log_odds=0.0))
    found = [tick.log_odds for tick in ticks]
    return Axis(variable=name, kind="category", terms=terms, low=min(found), high=max(found), ticks=tuple(ticks))


def _number(name: str, indicator: str | None, terms: Mapping[str, float], train: pd.DataFrame) -> Axis:
    column = next(column for column in terms if column != indicator)
    gaps = train[indicator].eq(1) if indicator is not None else pd.Series(False, index=train.index)
    values = train.loc[~gaps, column]
    minimum, maximum, slope = float(values.min()), float(values.max()), terms[column]
    ticks = [Tick(label=f"{v:g}", value=float(v), log_odds=slope * v) for v in _few(values)]
    if indicator is not None and gaps.any():
        # A gap was filled with the training median and is marked by the indicator.
        filled = float(train.loc[gaps, column].iloc[0])
        ticks.append(Tick(label=NOT_KNOWN, value=float("nan"), log_odds=slope * filled + terms[indicator]))
    found = [slope * minimum, slope * maximum, *(tick.log_odds for tick in ticks)]
    return Axis(
        variable=name,
        kind="number",
        terms=terms,
        low=min(found),
        high=max(found),
        ticks=tuple(ticks),
        slope=slope,
        minimum=minimum,
        maximum=maximum,
    )


def _few(values: pd.Series) -> list[float]:
    """The distinct values if there are few, as for a yes or no; else none."""
    distinct = sorted(values.unique())
    return distinct if len(distinct) <= FEW else []


def read_nomogram(folder: Path, *, reduced: pd.DataFrame) -> Nomogram | None:
    """The nomogram of the logistic regression in `folder` (data/models/<set>) of resample `final`.

    `reduced` is the reduced table of the set. None if the folder has no logistic regression, or if one of its parts
    has no feature. Raises PipelineError as `load_model` does, and if the rows are not those of the model.
    """
    parts, point, feature_set = [], None, ""
    for card in sorted(folder.glob(f"{MODEL}_*.card.json")):
        saved = load_model(card)
        features = [str(name) for name in saved.card["features"]]
        rows = reduced[(reduced["resample"] == saved.card["resample"]) & (reduced["part"] == saved.card["part"])]
        train = rows[rows["role"] == "train"]
        if not len(train) or set(features) - set(train.columns) or train[features].isna().any(axis=None):
            msg = f"{card}: the reduced table does not hold the rows of this model; run benchmark again"
            raise PipelineError(msg)
        if not features:
            return None
        intercept, coefficients = linear_terms(saved.model, features=features)
        part = part_nomogram(saved.card["part"], intercept=intercept, coefficients=coefficients, train=train)
        if part is None:
            return None
        parts.append(part)
        point, feature_set = OperatingPoint(**saved.card["operating_point"]), str(saved.card["feature_set"])
    return Nomogram(feature_set=feature_set, parts=tuple(parts), point=point) if point is not None else None


def nomogram_risks(nomogram: Nomogram, reduced: pd.DataFrame) -> pd.Series:
    """The risk of every test patient of resample `final`, from the sum of the points; index patient_id."""
    tested = reduced[(reduced["resample"] == FINAL) & (reduced["role"] != "train")]
    totals = {}
    for part in nomogram.parts:
        rows = tested[tested["part"] == part.part].set_index("patient_id").sort_index()
        totals[part.part] = part.points(rows).sum(axis=1)
    index = next(iter(totals.values())).index
    return pd.Series(nomogram.risk({part: total.to_numpy() for part, total in totals.items()}), index=index)


def check_nomogram(nomogram: Nomogram, *, reduced: pd.DataFrame, predictions: pd.DataFrame) -> tuple[int, float]:
    """The number of test patients, and the maximum absolute difference of the risk by points and the score.

    Raises PipelineError if it exceeds 1e-6: the saved model is then not the one that made `predictions`.
    """
    risks = nomogram_risks(nomogram, reduced)
    rows = predictions[(predictions["model"] == MODEL) & (predictions["evaluation"] != "cv")]
    scores = rows.set_index("patient_id")["score"].reindex(risks.index)
    apart = float((risks - scores).abs().max()) if scores.notna().all() else float("inf")
    if not apart <= TOLERANCE:
        raise PipelineError(
            f"data/models/{nomogram.feature_set}: the logistic regression does not give the scores in "
            f"data/predictions/{nomogram.feature_set}.csv (maximum difference {apart:.2g}); run benchmark again"
        )
    return len(risks), apart
