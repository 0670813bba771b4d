"""The LASSO: its cross-validated deviance along the penalty, its path, and the coefficients by both rules."""

from textwrap import wrap

import numpy as np
import pandas as pd
from markupsafe import Markup

from pipeline.plan.feature_names import feature_words
from pipeline.reduce.steps.lasso import RULES, choose
from pipeline.report.figures.axes import (
    WIDTH,
    Frame,
    Scale,
    joined,
    number,
    picture,
    segment,
    text,
    text_width,
    widened,
)
from pipeline.report.figures.marks import Curve, box, dot, legend, line_mark, polyline

NAMES = {"min": "lowest deviance", "1se": "within one SE"}
SHORT = {"min": "lowest", "1se": "1 SE"}
X_TITLE = "Penalty λ (to the right: fewer features)"
MAX_BARS = 15  # features of the bar chart
NAMED = 5  # lines of the path in the legend
LETTERS = 58  # of a line of text
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def lasso_cv_figure(rows: pd.DataFrame, *, title: str) -> Markup | None:
    """One resample, part and block of the LASSO table: mean deviance ± SE at each λ, both chosen λ; None without rows.

    Above the plot: the number of features kept.
    """
    if not len(rows):
        return None
    ordered = rows.sort_values("lambda", ascending=False, kind="stable")
    penalty, mean, se = (ordered[name].to_numpy(dtype=float) for name in ("lambda", "cv_mean", "cv_se"))
    low, high = widened(float((mean - se).min()), float((mean + se).max()))
    frame = _frame(penalty, low=low, high=high)
    pieces = [frame.x_axis(X_TITLE, form=_power), frame.y_axis("Deviance in cross-validation"), _counts(frame, ordered)]
    for x, middle, half in zip(penalty, mean, se, strict=True):
        at = frame.x(x)
        pieces.append(segment(at, frame.y.held(middle - half), at, frame.y.held(middle + half), css="grid dark"))
    pieces += [dot(frame.x(x), frame.y.held(y), size=2.2) for x, y in zip(penalty, mean, strict=True)]
    places = {rule: choose(mean, se, rule=rule) for rule in RULES}
    for row, rule in enumerate(RULES):
        pieces.append(_chosen(frame, penalty[places[rule]], name=SHORT[rule], row=row, left=rule == "min"))
    pieces.append(frame.outline())
    kept = {rule: int(ordered["n_nonzero"].iloc[index]) for rule, index in places.items()}
    description = (
        f"Deviance against the penalty. Features kept where it is lowest: {kept['min']}; at the largest penalty within "
        f"one standard error of that: {kept['1se']}."
    )
    return picture(joined(pieces), width=WIDTH, height=frame.y.start + 46, title=title, description=description)


def lasso_path_figure(rows: pd.DataFrame, *, title: str, chosen: float | None = None) -> Markup | None:
    """Coefficients (columns lambda, feature, coefficient) along λ; `chosen` λ is marked. None without rows.

    A feature without a row at a λ has the coefficient 0 there. The legend names the largest.
    """
    if not len(rows):
        return None
    table = rows.pivot(index="lambda", columns="feature", values="coefficient").fillna(0.0).sort_index()
    penalty = table.index.to_numpy(dtype=float)
    low, high = widened(min(0.0, float(table.min().min())), max(0.0, float(table.max().max())))
    # A λ at which no feature is kept has no row, and may be the chosen one.
    reach = penalty if chosen is None else np.append(penalty, chosen)
    frame = _frame(reach, low=low, high=high)
    order = list(table.iloc[0].abs().sort_values(ascending=False, kind="stable").index)
    curves = [
        Curve(name=feature_words(str(name)), x=penalty, y=table[name].to_numpy(dtype=float), style=style)
        for style, name in enumerate(order)
    ]
    pieces = [frame.x_axis(X_TITLE, form=_power), frame.y_axis("Coefficient (of z-scores)")]
    pieces += [segment(frame.x.start, frame.y(0), frame.x.stop, frame.y(0), css="rule")]
    pieces += [polyline(frame, curve) for curve in reversed(curves)]
    pieces += [_chosen(frame, chosen, name="chosen", row=0, left=True)] if chosen is not None else []
    names = [(curve.name, line_mark(curve.style)) for curve in curves[:NAMED]]
    drawn, height = legend(names, x=12, y=frame.y.start + 58, width=WIDTH)
    largest = ", ".join(curve.name for curve in curves[:NAMED])
    return picture(
        joined([*pieces, frame.outline(), drawn]),
        width=WIDTH,
        height=frame.y.start + 50 + height,
        title=title,
        description=f"Coefficients shrink to zero as the penalty grows. Largest at the smallest penalty: {largest}.",
    )


def coefficient_figure(rows: pd.DataFrame, *, title: str) -> Markup | None:
    """One resample, part and block of the selected table: bars of the coefficients by both rules.

    Filled: λ of the lowest deviance (min); open: λ within one standard error (1se). The largest `MAX_BARS` are shown.
    None if no feature is kept.
    """
    own = rows[~rows["feature"].str.startswith("(")]
    table = own.pivot(index="feature", columns="rule", values="coefficient").reindex(columns=list(RULES))
    if not len(table):
        return None
    size = table.abs().max(axis=1)
    table = table.loc[size.sort_values(ascending=False, kind="stable").index[:MAX_BARS]]
    reach = float(size.max()) * 1.02
    scale = Scale(low=-reach, high=reach, start=52, stop=WIDTH - 52)
    pieces, y = [], 8.0
    for row in table.itertuples():
        lines = wrap(feature_words(str(row.Index)), LETTERS)
        pieces += [text(2, y + 14 + 16 * n, line, css="small") for n, line in enumerate(lines)]
        y += 16 * len(lines) + 5
        pieces += _bars(scale, table.loc[row.Index], y=y)
        y += 26
    marks = [("min", box(-15, -5, width=30, height=10, css="fill")), ("1se", _open(-15, -4, 30))]
    names, height = legend([(f"λ: {NAMES[rule]}", mark) for rule, mark in marks], x=4, y=y + 16, width=WIDTH)
    first = feature_words(str(table.index[0]))
    description = (
        f"Coefficients of the features that are kept ({len(table)} of {len(size)}), on z-scores. Largest: {first}. "
        "Bars to the right raise the risk, bars to the left lower it."
    )
    return picture(joined([*pieces, names]), width=WIDTH, height=y + 10 + height, title=title, description=description)


def _frame(penalty: np.ndarray, *, low: float, high: float) -> Frame:
    return Frame(
        x=Scale(low=float(penalty.min()), high=float(penalty.max()) * 1.05, start=60, stop=WIDTH - 14, log=True),
        y=Scale(low=low, high=high, start=290, stop=44),
    )


def _power(value: float) -> str:
    return number(value) if value >= 0.001 else f"10{str(round(np.log10(value))).translate(_RAISED)}"


def _counts(frame: Frame, rows: pd.DataFrame) -> Markup:
    """The number of features kept, above the plot, wherever there is room for it."""
    pieces = [text(frame.x.start, 14, "Features kept", css="small soft")]
    reached = float("inf")
    for penalty, count in zip(rows["lambda"], rows["n_nonzero"], strict=True):
        at, half = frame.x(float(penalty)), text_width(str(count)) / 2 + 7
        if at + half <= reached:
            pieces.append(text(at, frame.y.stop - 12, str(count), anchor="middle", css="small"))
            pieces.append(segment(at, frame.y.stop - 7, at, frame.y.stop, css="rule"))
            reached = at - half
    return joined(pieces)


def _chosen(frame: Frame, penalty: float, *, name: str, row: int, left: bool) -> Markup:
    at = frame.x(float(penalty))
    return joined(
        [
            segment(at, frame.y.stop, at, frame.y.start, css="guide"),
            text(
                at - 5 if left else at + 5,
                frame.y.stop + 17 + 18 * row,
                name,
                anchor="end" if left else "start",
                css="halo",
            ),
        ]
    )


def _open(x: float, y: float, width: float) -> Markup:
    return box(x, y, width=width, height=8, css="beam open")


def _bars(scale: Scale, values: pd.Series, *, y: float) -> list[Markup]:
    """The bars of a feature, and its value by the rule min (by 1se if min has none) at the end of the longer bar."""
    pieces = [segment(scale(0), y - 2, scale(0), y + 20, css="grid dark")]
    for rule, top, height in (("min", y, 18.0), ("1se", y + 5, 8.0)):
        value = float(values[rule])
        if not np.isnan(value):
            left, right = sorted((scale(0), scale(value)))
            pieces.append(
                box(left, top, width=right - left, height=height, css="fill" if rule == "min" else "beam open")
            )
    known = values.dropna()
    value, far = float(known.iloc[0]), float(known.loc[known.abs().idxmax()])
    shift, anchor = (5, "start") if far > 0 else (-5, "end")
    return [*pieces, text(scale(far) + shift, y + 13.5, number(float(f"{value:.2g}")), anchor=anchor)]
