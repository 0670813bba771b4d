"""The template's variables, section by section. The text itself is in the templates."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.contracts.reports.explain import KINDS
from pipeline.plan.holdout_size import small_holdouts
from pipeline.report.inputs import ReportInputs
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.explanation import CONTRIBUTIONS, explanation_variables
from pipeline.report.page.leakage import leak_variables
from pipeline.report.page.markup import data_address
from pipeline.report.page.models import model_variables
from pipeline.report.page.regions import region_variables
from pipeline.report.page.selected import feature_variables
from pipeline.report.tables.networks import light, network_words
from pipeline.report.tables.patient_groups import GROUPS

Key = tuple[str, ...]


def page_variables(
    study: ReportInputs, *, cells: Mapping[str, Cells], tables: Mapping[str, pd.DataFrame], top_features: int
) -> dict[str, Any]:
    """The variables of the templates, apart from the cells themselves."""
    regions = region_variables(study, cells=cells, tables=tables)
    told = explanation_variables(study, cells=cells)
    return {
        **model_variables(study, cells=cells, tables=tables),
        **leak_variables(study, cells=cells),
        **_patient_variables(study, cells=cells),
        **feature_variables(study, cells=cells, top=top_features),
        **regions,
        **told,
        "absent": regions["absent"] | (set() if told["explained"] else {CONTRIBUTIONS}),
        **_network_variables(study),
        "number": float,
    }


def _patient_variables(study: ReportInputs, *, cells: Mapping[str, Cells]) -> dict[str, Any]:
    """Who was studied: groups, rules of exclusion, variables, gaps, and where the test patients come from."""
    return {
        "baselines": {name: _baseline(cells[name]) for name in ("baseline", "baseline_outcome")},
        "outcome_groups": list(dict.fromkeys(key[3] for key in cells["baseline_outcome"].rows)),
        "missing_rows": _gaps(cells["missing"]),
        "subgroups_declared": bool((study.params.get("report", {}).get("subgroups") or {}).get("columns")),
        "groups": [name for name in GROUPS if (f"{name}_patients",) in cells["flow"]],
        "rules": _rules(cells["flow"]),
        "by_image": study.audit["check"].eq("no_patient_ids").any(),
        "cohorts_given": study.patients["cohort"].notna().any(),
        "held_out": bool(study.evaluated),
        "small_holdouts": _small_holdouts(study),
    }


def _network_variables(study: ReportInputs) -> dict[str, Any]:
    """The lights of the networks, the words of the methods, and the examples that explain predictions."""
    return {
        "examples": _examples(study),
        "maps": set(study.results["explain"]["map"].dropna()),
        "shows_maps": bool(study.results["explain"]["network"].notna().any()),
        "networks_told": bool(study.cards),
        **network_words(study),
        "lights": {net: light(cards) for net, cards in study.cards.items()},
    }


def _examples(study: ReportInputs) -> dict[str, list[tuple[Key, str]]]:
    """For each example, by kind: its key in explain.csv and its image as a data address."""
    found: dict[str, list[tuple[Key, str]]] = {kind: [] for kind in KINDS}
    for row in study.results["explain"].itertuples():
        found[str(row.kind)].append(((str(row.number),), data_address(study.pictures[str(row.picture)])))
    return found


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


def _small_holdouts(study: ReportInputs) -> dict[str, tuple[int, int]]:
    """The held-out cohorts with fewer patients of a class than params/cohort.yaml asks for."""
    minimum = study.params.get("cohort", {}).get("tables", {}).get("min_test_class_count")
    return {} if minimum is None else small_holdouts(study.patients, splits=study.splits, minimum=int(minimum))
