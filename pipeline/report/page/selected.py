"""The selected features of the page: one table per block, the meaning of a feature, the terms of a LASSO score."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from pipeline.contracts.data.embed import LOGIT
from pipeline.report.inputs import ReportInputs
from pipeline.report.page.cited_numbers import Cells

Key = tuple[str, ...]
MISSING = "missing"  # the indicator column of a block; `missing@view` if it has views


def feature_variables(study: ReportInputs, *, cells: Mapping[str, Cells], top: int) -> dict[str, Any]:
    """The variables of the templates that concern features; `top`: the number of features listed per block."""
    formula = cells["formula"]
    return {
        "selections": _selections(study, cells["selection"], top=top),
        "meaning": _meaning(study.dictionary),
        "blocks": study.blocks,
        "nets": [net for net in study.nets if {net, f"{net}{LOGIT}"} & set(study.blocks)],
        "logits": [net for net in study.nets if f"{net}{LOGIT}" in study.blocks],
        "formula_keys": partial(_formula_keys, formula),
        "parts_of_formula": lambda name, block: sorted({key[2] for key in formula.rows if key[:2] == (name, block)}),
    }


def _formula_keys(formula: Cells, name: str, block: str, part: str) -> list[Key]:
    """The terms of the LASSO score of a block in one part, in the order in which they are written."""
    return [key for key in formula.rows if key[:3] == (name, block, part)]


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
