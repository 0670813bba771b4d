"""The models of the page: their names, flags and lines, the primary comparison, the matrices of tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.reports.compare import CHOSEN_SETS, PRIMARY
from pipeline.predictions.model_scores import is_head
from pipeline.report.figures.intervals import interval_bar
from pipeline.report.figures.marks import STYLES, ModelLine, swatch
from pipeline.report.inputs import ReportInputs
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.figure_list import drawings
from pipeline.report.page.glossary import MEASURES, head_name, head_probability
from pipeline.report.tables.networks import light, set_lights

Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Model:
    """One model on the page; `flag` is the light of the networks behind it, `style` its line in the figures."""

    feature_set: str
    name: str
    head: bool
    role: str = ""
    flag: str = ""
    chosen: bool = False
    style: int | None = 0

    @property
    def label(self) -> str:
        """The model in words."""
        return head_name(self.feature_set, self.name) if self.head else f"{self.feature_set} with {self.name}"

    @property
    def own(self) -> str:
        """The name of a head: the network's head probability, or that of one of its views."""
        return head_probability(self.feature_set, self.name)


def model_variables(
    study: ReportInputs, *, cells: Mapping[str, Cells], tables: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """The variables of the templates that concern models: every model, those that are drawn, and the figures."""
    models = _models(study)
    picked = _ordered([model for model in models if model.chosen])
    figures = _figures(picked)
    style = {model: place for figure in figures for place, model in enumerate(figure)}
    picked = [_styled(model, style.get(model)) for model in picked]
    found = set(study.results["metrics"]["evaluation"])
    evaluations = [name for name in EVALUATIONS if name in found and name != "cv"]
    lines = [[_line(model, place) for place, model in enumerate(figure)] for figure in figures]
    every = [_line(model, 0) for model in picked]
    return {
        "models": models,
        "picked": picked,
        "primary": next((model for model in picked if model.role == "primary"), None),
        "comparator": next((model for model in picked if model.role == "comparator"), None),
        "primary_key": _primary_key(study),
        "evaluations": evaluations,
        "has_cv": "cv" in found,
        "matrices": {name: _matrix(study.results["delong"], evaluation=name) for name in EVALUATIONS},
        # Cross-validation comes last: it is approximate, and optimistic for the models that were chosen by it.
        "shown": [(name, "auc") for name in evaluations] + ([("cv", "auc_pooled")] if "cv" in found else []),
        "heading": {"cv": "cross-validation of the training patients (pooled, approximate)"},
        "flag_of": _flags(study),
        "drawings": drawings(study, tables=tables, lines=lines, every=every, evaluations=evaluations),
        "bar": lambda key: _bar(cells["metrics"], key, floor=_floor(study.results["metrics"])),
        **_words(),
    }


def _words() -> dict[str, Any]:
    """Functions and vocabulary for the names of models and measures."""
    return {
        "measures": MEASURES,
        "swatch": swatch,
        "is_head": is_head,
        "head_name": head_name,
        "head_probability": head_probability,
    }


def _models(study: ReportInputs) -> list[Model]:
    """Every model, set by set in the order of params/fusion.yaml; heads after their sets."""
    chosen = study.results["chosen"].set_index(["feature_set", "model"])
    flags = _flags(study)
    keys = study.results["metrics"][["feature_set", "model"]].drop_duplicates()
    place = {name: number for number, name in enumerate(study.sets)}
    ordered = sorted(
        keys.itertuples(index=False),
        key=lambda row: (is_head(row.feature_set, row.model), place.get(row.feature_set, len(place)), row.model),
    )
    return [
        Model(
            feature_set=row.feature_set,
            name=row.model,
            head=is_head(row.feature_set, row.model),
            role=_text(chosen["role"].get((row.feature_set, row.model))),
            flag=flags.get(row.feature_set, ""),
            chosen=(row.feature_set, row.model) in chosen.index,
        )
        for row in ordered
    ]


def _flags(study: ReportInputs) -> dict[str, str]:
    """The light of each feature set with a network, and of each network (for its head)."""
    return {net: light(cards) for net, cards in study.cards.items()} | dict(set_lights(study))


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _ordered(picked: list[Model]) -> list[Model]:
    """The primary model, its comparator, then the others in their given order."""
    rank = {"primary": 0, "comparator": 1}
    return sorted(picked, key=lambda model: rank.get(model.role, 2))


def _figures(picked: list[Model]) -> list[list[Model]]:
    """The models of each figure of curves: all in one if their lines can be distinguished, else the sets in one and the
    networks' heads in the next; models for which no line style remains are in the tables only.
    """
    if len(picked) <= len(STYLES):
        return [picked]
    kinds = ([model for model in picked if model.head is head][: len(STYLES)] for head in (False, True))
    return [kind for kind in kinds if kind]


def _styled(model: Model, style: int | None) -> Model:
    return Model(**(vars(model) | {"style": style}))


def _line(model: Model, style: int) -> ModelLine:
    return ModelLine(feature_set=model.feature_set, model=model.name, name=model.label, style=style)


def _primary_key(study: ReportInputs) -> Key | None:
    delong = study.results["delong"]
    rows = delong[delong["family"] == PRIMARY]
    columns = ["evaluation", "family", "set_a", "model_a", "set_b", "model_b"]
    return tuple(str(value) for value in rows[columns].iloc[0]) if len(rows) else None


def _matrix(delong: pd.DataFrame, *, evaluation: str) -> dict[str, Any] | None:
    """Keys of the tests between sets by (row, column); each test is listed once, above the diagonal."""
    rows = delong[(delong["evaluation"] == evaluation) & (delong["family"] == CHOSEN_SETS)]
    if not len(rows):
        return None
    a, b = (list(zip(rows[f"set_{side}"], rows[f"model_{side}"], strict=True)) for side in "ab")
    members = sorted({*a, *b}, key=lambda member: (-a.count(member), member))
    keys = {(one, other): (evaluation, CHOSEN_SETS, *one, *other) for one, other in zip(a, b, strict=True)}
    shade = {pair: min(1.0, abs(value) / 0.3) for pair, value in zip(keys, rows["difference"], strict=True)}
    return {"members": members, "tests": keys, "shade": shade, "family": CHOSEN_SETS}


def _bar(metrics: Cells, key: Key, *, floor: float) -> Markup:
    estimate, low, high = (metrics.text(key, column=name) for name in ("estimate", "ci_low", "ci_high"))
    return interval_bar(estimate, low=low, high=high, floor=floor)


def _floor(metrics: pd.DataFrame) -> float:
    """The left end of all interval bars: the lowest limit of an AUC interval, at most 0.4, in steps of a tenth."""
    aucs = metrics.loc[metrics["metric"].isin(["auc", "auc_pooled"]), ["estimate", "ci_low"]]
    lowest = aucs.min().min()
    return 0.4 if pd.isna(lowest) else max(0.0, min(0.4, int(lowest * 10) / 10))
