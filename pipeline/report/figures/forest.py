"""The forest plot of subgroups: the AUC of the primary model in each, and the tests of interaction."""

from collections.abc import Iterator
from math import isnan

import pandas as pd
from markupsafe import Markup

from pipeline.report.figures.axes import WIDTH, in_words, number, picture
from pipeline.report.figures.intervals import IntervalRow, interval_rows

ALL = "all"
LETTERS = 20  # of a name beside the plot, so that it ends before the plot begins


def forest_figure(subgroups: pd.DataFrame, tests: pd.DataFrame, *, evaluation: str, title: str) -> Markup | None:
    """The rows of one evaluation of the tables `subgroups` and `subgroup_tests`; None if there are none.

    Dotted: chance; dashed: the AUC of all patients. Beside each variable, the p-value of its interaction.
    """
    rows = subgroups[subgroups["evaluation"] == evaluation]
    if not len(rows):
        return None
    p_values = tests[tests["evaluation"] == evaluation].set_index("variable")["p_value"]
    shown = list(_rows(rows, p_values))
    whole = float(rows.loc[rows["variable"] == ALL, "auc"].iloc[0]) if (rows["variable"] == ALL).any() else float("nan")
    body, height = interval_rows(
        shown,
        left="With / without event",
        right="AUC (95 % CI)",
        axis="AUC",
        marks=[(0.5, "chance"), *([(whole, "guide")] if not isnan(whole) else [])],
    )
    return picture(body, width=WIDTH, height=height, title=title, description=_words(rows, p_values))


def _rows(rows: pd.DataFrame, p_values: pd.Series) -> Iterator[IntervalRow]:
    for variable, group in rows.groupby("variable", sort=False):
        if variable != ALL:
            p = float(p_values.get(variable, float("nan")))
            shown = "" if isnan(p) else "interaction p <0.001" if p < 0.001 else f"interaction p {number(p, digits=3)}"
            yield IntervalRow(name=in_words(str(variable)), note=shown, heading=True)
        for row in group.itertuples():
            counts = f", {row.n_pos} / {row.n_neg}"
            name = _whole(counts) if variable == ALL else str(row.level)
            auc = float(row.auc)
            note = "" if not isnan(auc) else ("no value" if row.reason == "no value" else "too few for an AUC")
            yield IntervalRow(
                name=_cut(name, LETTERS + (variable == ALL) - len(counts)) + counts,
                estimate=auc,
                low=float(row.ci_low),
                high=float(row.ci_high),
                note=note,
                shape="diamond" if variable == ALL else "square",
                heading=variable == ALL,
            )


def _whole(counts: str) -> str:
    """All patients in as many letters as there is room for, one more than in a row that is indented."""
    return "all patients" if len(f"all patients{counts}") <= LETTERS + 1 else "all"


def _cut(name: str, letters: int) -> str:
    return name if len(name) <= letters else f"{name[: letters - 1]}…"


def _words(rows: pd.DataFrame, p_values: pd.Series) -> str:
    known = rows[(rows["variable"] != ALL) & rows["auc"].notna()]
    differing = [in_words(str(name)) for name, p in p_values.items() if p < 0.05]
    found = f"Interaction before correction for: {', '.join(differing)}." if differing else "No interaction was found."
    if not len(known):
        return f"No subgroup is large enough for an AUC. {found}"
    best, worst = (known.loc[index] for index in (known["auc"].idxmax(), known["auc"].idxmin()))
    return (
        f"AUC by subgroup, with intervals: highest where {in_words(str(best.variable))} is {best.level}, lowest where "
        f"{in_words(str(worst.variable))} is {worst.level}. {found}"
    )
