"""The template's variables, in page order: models, curves, matrices, features. The text itself is in the templates."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.data.embed import LOGIT
from pipeline.contracts.reports.compare import CHOSEN_SETS, PRIMARY
from pipeline.contracts.reports.explain import KINDS
from pipeline.predictions.model_scores import is_head
from pipeline.report.figures.intervals import interval_bar
from pipeline.report.figures.marks import STYLES, ModelLine, swatch
from pipeline.report.inputs import ReportInputs
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.figure_list import drawings
from pipeline.report.page.glossary import MEASURES, head_name, head_probability
from pipeline.report.tables.networks import light, network_words, set_lights
from pipeline.report.tables.patient_groups import GROUPS

Key = tuple[str, ...]
MISSING = "missing"  # the indicator column of a block; `missing@view` if it has views


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


def page_variables(
    study: ReportInputs, *, cells: Mapping[str, Cells], tables: Mapping[str, pd.DataFrame], top_features: int
) -> dict[str, Any]:
    """The variables of the templates, apart from the cells themselves."""
    models = _models(study)
    picked = _ordered([model for model in models if model.chosen])
    figures = _figures(picked)
    style = {model: place for figure in figures for place, model in enumerate(figure)}
    picked = [_styled(model, style.get(model)) for model in picked]
    found = set(study.results["metrics"]["evaluation"])
    evaluations = [name for name in EVALUATIONS if name in found and name != "cv"]
    lines = [[_line(model, place) for place, model in enumerate(figure)] for figure in figures]
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
        "baselines": {name: _baseline(cells[name]) for name in ("baseline", "baseline_outcome")},
        "outcome_groups": list(dict.fromkeys(key[3] for key in cells["baseline_outcome"].rows)),
        "missing_rows": _gaps(cells["missing"]),
        "subgroups_declared": bool((study.params.get("report", {}).get("subgroups") or {}).get("columns")),
        "groups": [name for name in GROUPS if (f"{name}_patients",) in cells["flow"]],
        "rules": _rules(cells["flow"]),
        "selections": _selections(study, cells["selection"], top=top_features),
        "meaning": _meaning(study.dictionary),
        "flag_of": _flags(study),
        "blocks": study.blocks,
        "measures": MEASURES,
        "nets": [net for net in study.nets if {net, f"{net}{LOGIT}"} & set(study.blocks)],
        "logits": [net for net in study.nets if f"{net}{LOGIT}" in study.blocks],
        "formula_keys": partial(_formula_keys, cells["formula"]),
        "parts_of_formula": lambda name, block: sorted({k[2] for k in cells["formula"].rows if k[:2] == (name, block)}),
        "drawings": drawings(
            study,
            tables=tables,
            lines=lines,
            every=[_line(model, 0) for model in picked],
            evaluations=evaluations,
        ),
        "examples": _examples(study),
        "maps": set(study.results["explain"]["map"].dropna()),
        "shows_maps": bool(study.results["explain"]["network"].notna().any()),
        "networks_told": bool(study.cards),
        **network_words(study),
        "lights": {net: light(cards) for net, cards in study.cards.items()},
        "swatch": swatch,
        "bar": lambda key: _bar(cells["metrics"], key, floor=_floor(study.results["metrics"])),
        "breakable": breakable,
        "is_head": is_head,
        "head_name": head_name,
        "head_probability": head_probability,
        "number": float,
        "by_image": study.audit["check"].eq("no_patient_ids").any(),
        "cohorts_given": study.patients["cohort"].notna().any(),
        "held_out": study.splits["role"].isin(["internal", "external"]).any(),
    }


def _examples(study: ReportInputs) -> dict[str, list[tuple[Key, str]]]:
    """For each example, by kind: its key in explain.csv and its image as a data address."""
    found: dict[str, list[tuple[Key, str]]] = {kind: [] for kind in KINDS}
    for row in study.results["explain"].itertuples():
        content = base64.b64encode(study.pictures[str(row.picture)]).decode()
        found[str(row.kind)].append(((str(row.number),), f"data:image/png;base64,{content}"))
    return found


def _formula_keys(formula: Cells, name: str, block: str, part: str) -> list[Key]:
    """The terms of the LASSO score of a block in one part, in the order in which they are written."""
    return [key for key in formula.rows if key[:3] == (name, block, part)]


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


def _baseline(baseline: Cells) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each variable with its levels and the kind of each, in the order of the table; groups are columns."""
    found: dict[str, dict[str, str]] = {}
    for (variable, level, *_), row in baseline.rows.items():
        found.setdefault(variable, {}).setdefault(level, row["kind"])
    return [(variable, list(levels.items())) for variable, levels in found.items()]


def _gaps(missing: Cells) -> list[tuple[str, str]]:
    """Kind and name of every variable with missing values."""
    return [
        (kind, name)
        for (kind, name, cohort), row in missing.rows.items()
        if cohort == "all" and row["n_missing"] != "0"
    ]


def _rules(flow: Cells) -> list[str]:
    """The rules by which patients or images were excluded, by their step in the cohort flow."""
    sums = ("patients_source", "patients_left", "images_left")
    return [step for (step,) in flow.rows if step.startswith(("patients_", "images_")) and step not in sums]


def _meaning(dictionary: pd.DataFrame) -> Callable[[str], str]:
    """The meaning of a selected feature: its definition in the dictionary, with its view; empty if it has none."""
    known = dict(zip(dictionary["feature"], dictionary["definition"], strict=True))

    def meaning(feature: str) -> str:
        name, _, view = feature.partition("@")
        text = "whether there is no such image" if name == MISSING else str(known.get(name, ""))
        if name.endswith(LOGIT) and not text:
            text = f"log-odds of the event by the head of {name.removesuffix(LOGIT)}"
        return f"{text}; view {view}" if text and view else text

    return meaning


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The most often selected features of one block, and the sets that share its selection."""

    block: str
    sets: list[str]
    keys: list[Key]


def _selections(study: ReportInputs, selection: Cells, *, top: int) -> list[Selection]:
    """The selection of each block, once for all sets that share it, the most frequent features first.

    Blocks of networks are excluded: their components differ between fits, so that a frequency is meaningless.
    """
    rows: dict[tuple[str, str], list[tuple[float, float, Key]]] = {}
    for key, row in selection.rows.items():
        if key[1] not in study.nets:
            order = (-float(row["frequency"] or 0), -abs(float(row["coefficient"] or 0)), key)
            rows.setdefault((key[0], key[1]), []).append(order)
    shared: dict[tuple[Any, ...], Selection] = {}
    for name, block in sorted(rows, key=lambda pair: study.sets.index(pair[0])):
        keys = [key for *_, key in sorted(rows[name, block])]
        content = (block, *((key[2], *list(selection.rows[key].values())[1:]) for key in keys))
        first = shared.setdefault(content, Selection(block=block, sets=[], keys=keys[:top]))
        first.sets.append(name)
    return list(shared.values())


def breakable(name: str) -> Markup:
    """A long name with line breaks allowed after its underscores and before its view."""
    return Markup("<wbr>").join(re.findall(r"[^_@]+_?|@[^_@]*|_", name))
