"""The nomogram as a table: every tick with its points, the constants of the conversion, and a check."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from pipeline.contracts.reports.report import NOMOGRAM, NOMOGRAM_CHECK
from pipeline.predictions.operating_point import CLIP
from pipeline.report.figures.axes import number, round_values, widened
from pipeline.report.inputs import ReportInputs
from pipeline.report.nomogram import Axis, Nomogram, PartNomogram, check_nomogram

PROBABILITIES = (0.01, 0.02, 0.05, *(n / 10 for n in range(1, 10)), 0.95, 0.98, 0.99)
TOGETHER = "together"  # the `part` of rows that combine the probabilities of the parts
Row = dict[str, Any]


def nomogram_table(nomogram: Nomogram) -> pd.DataFrame:
    """Every tick of every axis, part by part, as in `NOMOGRAM`.

    The axes of a part, then the total points and the corresponding probability. With one part, the recalibrated risk
    is below the total points; with two, the rows of part `together` convert the mean of the two probabilities to it.
    """
    rows: list[Row] = []
    alone = len(nomogram.parts) == 1
    for part in nomogram.parts:
        blocks = [*(list(_ticks(axis, part)) for axis in part.axes), list(_totals(part))]
        blocks.append(list(_risks(nomogram, part=part)) if alone else list(_probabilities(part)))
        rows += _placed([*blocks, _constants(part)], part=part.part)
    if not alone:
        means = [_row("mean of the two probabilities", "mean", value, mean_probability=value) for value in _tenths()]
        rows += _placed([means, list(_risks(nomogram, part=None))], part=TOGETHER)
    return pd.DataFrame(rows)[NOMOGRAM.names]


def _row(variable: str, kind: str, value: float, **more: float | str) -> Row:
    empty = {"label": number(round(value, 6)), "points": np.nan, "mean_probability": np.nan}
    return empty | {"variable": variable, "kind": kind, "value": value} | more


def _placed(blocks: Sequence[Sequence[Row]], *, part: str) -> list[Row]:
    return [
        row | {"part": part, "place": place, "tick": tick}
        for place, block in enumerate(blocks, start=1)
        for tick, row in enumerate(block, start=1)
    ]


def _tenths() -> list[float]:
    return [n / 10 for n in range(11)]


def _ticks(axis: Axis, part: PartNomogram) -> Iterator[Row]:
    """The round values of an axis, then its levels."""

    def points(log_odds: float) -> float:
        return (log_odds - axis.low) / part.per_point

    if axis.kind != "category" and not any(tick.value == tick.value for tick in axis.ticks):
        for value in round_values(axis.minimum, axis.maximum, count=6):
            yield _row(axis.variable, axis.kind, value, points=points(axis.slope * value))
    for tick in axis.ticks:
        yield _row(axis.variable, axis.kind, tick.value, label=tick.label, points=points(tick.log_odds))


def _totals(part: PartNomogram) -> Iterator[Row]:
    low, high = widened(part.min_total, part.max_total, count=8)
    for value in round_values(low, high, count=8):
        yield _row("total points", "total", value, points=value)


def _probabilities(part: PartNomogram) -> Iterator[Row]:
    low, high = widened(part.min_total, part.max_total, count=8)
    for value in PROBABILITIES:
        if low <= (total := part.total(value)) <= high:
            yield _row("probability of this half", "probability", value, points=total)


def _risks(nomogram: Nomogram, *, part: PartNomogram | None) -> Iterator[Row]:
    """The model's risk, and its threshold, at total points (one part) or means of the parts' probabilities."""
    point = nomogram.point
    low, high = (0.0, 1.0) if part is None else widened(part.min_total, part.max_total, count=8)
    kinds = [*(("risk", value) for value in PROBABILITIES), ("threshold", point.threshold)]
    for kind, value in kinds:
        log_odds = (logit(value) - point.intercept) / point.slope if 0 < value < 1 else np.inf
        mean = float(expit(log_odds))
        # Closer to 0 or 1 the recalibration is clipped, and the difference is not visible.
        if not CLIP <= mean <= 1 - CLIP:
            continue
        total = np.nan if part is None else part.total(mean)
        if part is None or low <= total <= high:
            label = "threshold" if kind == "threshold" else number(value)
            yield _row("risk of the model", kind, value, label=label, points=total, mean_probability=mean)


def _constants(part: PartNomogram) -> list[Row]:
    """The log-odds at 0 points, and the log-odds of one point."""
    return [
        _row("log-odds", "constant", part.at_zero, label="at zero points"),
        _row("log-odds", "constant", part.per_point, label="of one point"),
    ]


def nomogram_check_table(study: ReportInputs) -> pd.DataFrame:
    """The maximum difference of a test patient's risk by points from the model's score; no row without a nomogram.

    Raises PipelineError if it exceeds 1e-6.
    """
    rows = []
    if study.nomogram is not None:
        name = study.nomogram.feature_set
        n, apart = check_nomogram(study.nomogram, reduced=study.reduced[name], predictions=study.predictions[name])
        rows.append((name, n, apart))
    return pd.DataFrame(rows, columns=NOMOGRAM_CHECK.names)
