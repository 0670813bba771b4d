"""The AUC of every chosen model in every evaluation, with its interval."""

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, picture
from pipeline.report.figures.intervals import IntervalRow, interval_rows
from pipeline.report.figures.marks import ModelLine

LOOKS = {"cv": ("circle", "dot open"), "internal": ("square", "dot"), "external": ("diamond", "dot")}
NAMES = {"cv": "cross-validation", "internal": "internal", "external": "external"}
METRIC = {"cv": "auc_pooled"}  # the one with an interval


def overview_figure(metrics: pd.DataFrame, *, lines: Sequence[ModelLine], title: str) -> Markup | None:
    """The AUCs of `lines` from the metrics table, model by model; None if there is none.

    Cross-validation: the pooled, approximate AUC with its interval, shown by open marks.
    """
    rows: list[IntervalRow] = []
    found: dict[str, list[tuple[float, str]]] = {}
    for line in lines:
        own = line.rows(metrics)
        aucs = [row for name in LOOKS for row in own[_is_auc(own, name)].itertuples()]
        if aucs:
            rows.append(IntervalRow(name=line.name, heading=True))
        for row in aucs:
            shape, css = LOOKS[str(row.evaluation)]
            shown = IntervalRow(
                name=NAMES[str(row.evaluation)],
                estimate=float(row.estimate),
                low=float(row.ci_low),
                high=float(row.ci_high),
                shape=shape,
                css=css,
            )
            rows.append(shown)
            found.setdefault(str(row.evaluation), []).append((shown.estimate, line.name))
    if not rows:
        return None
    body, height = interval_rows(rows, left="Model", right="AUC (95 % CI)", axis="AUC", marks=[(0.5, "chance")])
    return picture(body, width=WIDTH, height=height, title=title, description=_words(found))


def _is_auc(rows: pd.DataFrame, evaluation: str) -> pd.Series:
    metric = METRIC.get(evaluation, "auc")
    return (rows["evaluation"] == evaluation) & (rows["metric"] == metric) & rows["estimate"].notna()


def _words(found: dict[str, list[tuple[float, str]]]) -> str:
    extremes = [f"{NAMES[name]}: highest {max(aucs)[1]}, lowest {min(aucs)[1]}" for name, aucs in found.items()]
    return f"AUC with interval of each model. {'; '.join(extremes)}. The dotted line is chance."
