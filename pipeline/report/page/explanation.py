"""The variables of the section on contributions: per explained set its figures and the keys of its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.plan.feature_names import column_words, name_in_part
from pipeline.report.figures.contributions import beeswarm_figure, fall_figure, size_figure
from pipeline.report.inputs import ReportInputs
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.markup import svg_address

Key = tuple[str, ...]
CONTRIBUTIONS = "contributions"  # the section
# Groupings that the page draws beside the features, and the words for a group without one of them.
DRAWN = ("block", "view", "class", "filter")
TITLES = {"block": "block", "view": "view", "class": "radiomics class", "filter": "radiomics filter"}


@dataclass(frozen=True, kw_only=True)
class ExplainedSet:
    """A set on the page; `parts`: keys of shap_models; `groups`: keys of shap_groups by grouping, the largest first.

    `sizes`: the figure of each grouping, without those of a single group; `silent`: parts without a feature.
    """

    feature_set: str
    model: str
    unit: str
    parts: list[Key]
    silent: list[Key]
    groups: Mapping[str, list[Key]]
    blocks: list[Key]
    beeswarm: Markup | None
    features: Markup | None
    sizes: Mapping[str, Markup]
    falls: Markup | None


def explanation_variables(study: ReportInputs, *, cells: Mapping[str, Cells]) -> dict[str, Any]:
    """The explained sets in the order primary, comparator, and the waterfall of each example by its key."""
    models = study.results["shap_models"]
    role = study.results["chosen"].dropna(subset="role").set_index("feature_set")["role"]
    names = sorted(models["feature_set"].unique(), key=lambda name: role.get(name, "") != "primary")
    drawn = study.results["explain"].dropna(subset="waterfall")
    return {
        "explained": [_explained(str(name), study=study, cells=cells) for name in names],
        "grouping_titles": TITLES,
        "column_words": column_words,
        "waterfalls": {
            (str(row.number),): svg_address(study.pictures[str(row.waterfall)]) for row in drawn.itertuples()
        },
    }


def _explained(name: str, *, study: ReportInputs, cells: Mapping[str, Cells]) -> ExplainedSet:
    models, groups, falls = (
        table[table["feature_set"] == name]
        for table in (study.results[key] for key in ("shap_models", "shap_groups", "permutation"))
    )
    unit = str(models["unit"].iloc[0])
    sizes = {
        grouping: groups[groups["grouping"] == grouping].sort_values(
            ["mean_abs", "group"], ascending=[False, True], kind="stable"
        )
        for grouping in ("feature", *DRAWN)
    }
    figures = {
        grouping: size_figure(
            sizes[grouping], title=f"Contributions by {TITLES[grouping]}, {name}", unit=unit, words=str
        )
        for grouping in DRAWN
        if len(sizes[grouping]) > 1
    }
    parts = [key for key in cells["shap_models"].rows if key[0] == name]
    used = sizes["feature"][sizes["feature"]["mean_abs"] > 0]
    contributions, values = _matrices(name, study=study, order=list(used["group"]))
    return ExplainedSet(
        feature_set=name,
        model=str(models["model"].iloc[0]),
        unit=unit,
        parts=parts,
        silent=[key for key in parts if cells["shap_models"].text(key, column="explainer") == "none"],
        groups={key: [(name, key, str(group)) for group in table["group"]] for key, table in sizes.items()},
        blocks=[(name, str(block)) for block in falls.sort_values("fall", ascending=False)["block"]],
        beeswarm=beeswarm_figure(
            contributions, values, title=f"Contributions by feature and patient, {name}", unit=unit, words=column_words
        ),
        features=size_figure(used, title=f"Mean size by feature, {name}", unit=unit, words=column_words),
        sizes={key: figure for key, figure in figures.items() if figure is not None},
        falls=fall_figure(falls, title=f"Permutation of each block, {name}"),
    )


def _matrices(name: str, *, study: ReportInputs, order: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contributions and values, cases by features in the given order: means over the parts as in shap_groups.csv."""
    table = study.results["shap"]
    rows = table[table["feature_set"] == name]
    if not len(rows):
        return pd.DataFrame(), pd.DataFrame()
    named = rows.assign(name=[name_in_part(f, p) for f, p in zip(rows["feature"], rows["part"], strict=True)])
    parts = int((study.results["shap_models"]["feature_set"] == name).sum())
    sums = named.pivot_table(index="case", columns="name", values="contribution", aggfunc="sum") / parts
    return sums[order], named.pivot_table(index="case", columns="name", values="value", aggfunc="mean")[order]
