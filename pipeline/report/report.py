"""The report: one page for the clinician, the reviewer and the statistician, every number of it found in a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import Field

from pipeline.contracts.reports.report import (
    AGREEMENT_SUMMARY,
    CHECKLIST_SCORES,
    CHECKLISTS,
    FEATURE_COUNTS,
    FORMULA,
    NOMOGRAM,
    NOMOGRAM_CHECK,
    PARAMETERS,
)
from pipeline.foundation.params import Params
from pipeline.foundation.tables import Contract, write_table
from pipeline.report.inputs import RESULTS, ReportInputs
from pipeline.report.own_tables import REPORT_TABLES as PATIENT_TABLES
from pipeline.report.own_tables import patient_tables
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.context import page_parts
from pipeline.report.page.glossary import glossary
from pipeline.report.page.render import render
from pipeline.report.tables.checklists import ChecklistAnswers, checklist_table, score_table
from pipeline.report.tables.feature_classes import GOOD, agreement_summary
from pipeline.report.tables.feature_counts import feature_count_table
from pipeline.report.tables.lasso_score import formula_table
from pipeline.report.tables.networks import network_table
from pipeline.report.tables.nomogram import nomogram_table
from pipeline.report.tables.nomogram_check import nomogram_check_table
from pipeline.report.tables.parameters import parameter_table
from pipeline.report.tables.provenance import provenance_table, study_table
from pipeline.report.tables.sample_size import SampleSizeParams
from pipeline.report.tables.selection import selection_tables, stability_table
from pipeline.report.tables.subgroup_levels import SubgroupParams

REPORT_TABLES = PATIENT_TABLES | {
    "parameters": PARAMETERS,
    "feature_counts": FEATURE_COUNTS,
    "formula": FORMULA,
    "agreement": AGREEMENT_SUMMARY,
    "nomogram": NOMOGRAM,
    "nomogram_check": NOMOGRAM_CHECK,
    "checklists": CHECKLISTS,
    "checklist_scores": CHECKLIST_SCORES,
}
DEMO_ROOT = "data/raw/demo"


class StudyWords(Params):
    """The study in its author's words; empty prints "for the author"."""

    question: str
    population: str
    outcome: str
    positive_class: str
    horizon: str


class ReportParams(Params):
    """`params/report.yaml`."""

    title: str = Field(min_length=1)
    synthetic: bool
    study: StudyWords
    top_features: int = Field(ge=1, le=200)
    subgroups: SubgroupParams = SubgroupParams()
    sample_size: SampleSizeParams = SampleSizeParams()
    checklists: ChecklistAnswers = ChecklistAnswers()


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report's own tables by name (as `REPORT_TABLES`), and the page."""

    tables: Mapping[str, pd.DataFrame]
    page: str


def is_synthetic(study: ReportInputs, *, params: ReportParams) -> bool:
    """Whether the page must say that its patients do not exist: as the params say, and always for the demo cohort."""
    root = str(study.params.get("cohort", {}).get("root", ""))
    return params.synthetic or root.strip("/") == DEMO_ROOT


def unchanged_words(study: ReportInputs, *, params: ReportParams) -> str | None:
    """A sentence where the params still call patients synthetic that are not the demo's, else None."""
    root = str(study.params.get("cohort", {}).get("root", ""))
    told = params.synthetic or "synthetic" in " ".join(params.study.model_dump().values()).lower()
    if not told or root.strip("/") == DEMO_ROOT:
        return None
    return (
        f"params/report.yaml says that the patients are synthetic, and params/cohort.yaml reads them from {root}; "
        "if they are real, set synthetic: false and describe your study under title and study in params/report.yaml"
    )


def agreement_limit(study: ReportInputs) -> float:
    """The lower limit of the ICC that params/reduce.yaml asks of a feature; 0.75 where it asks for none."""
    return float((study.params.get("reduce", {}).get("agreement") or {}).get("min_lower_limit", GOOD))


def empty(contract: Contract) -> pd.DataFrame:
    """A table of a contract without rows."""
    return pd.DataFrame(columns=[column.name for column in contract.columns])


def report_tables(study: ReportInputs, *, params: ReportParams) -> dict[str, pd.DataFrame]:
    """The tables that the report makes for itself."""
    selection, kept = selection_tables(study)
    return patient_tables(study, subgroups=params.subgroups, sample_size=params.sample_size) | {
        "study": study_table(params.study.model_dump()),
        "networks": network_table(study),
        "selection": selection,
        "kept": kept,
        "stability": stability_table(study),
        "formula": formula_table(study),
        "provenance": provenance_table(study),
        "parameters": parameter_table(study.params),
        "feature_counts": feature_count_table(study.dictionary),
        "agreement": agreement_summary(study.agreement, dictionary=study.dictionary, limit=agreement_limit(study)),
        "nomogram": nomogram_table(study.nomogram) if study.nomogram else empty(NOMOGRAM),
        "nomogram_check": nomogram_check_table(study),
        "checklists": (checklists := checklist_table(study, answers=params.checklists, question=params.study.question)),
        "checklist_scores": score_table(checklists),
    }


def cells(study: ReportInputs, *, tables: Mapping[str, pd.DataFrame]) -> dict[str, Cells]:
    """Every table behind the page, by its short name."""
    results = {
        name: Cells(study.results[name], name=f"{name}.csv", key=contract.key) for name, contract in RESULTS.items()
    }
    own = {
        name: Cells(tables[name], name=f"report/{name}.csv", key=contract.key)
        for name, contract in REPORT_TABLES.items()
    }
    return results | own


def make_report(study: ReportInputs, *, params: ReportParams) -> Report:
    """The page and its tables; the same inputs give the same bytes."""
    tables = report_tables(study, params=params)
    cited = cells(study, tables=tables)
    context = page_parts(study, cells=cited, tables=tables, top_features=params.top_features)
    page = render(
        context
        | {
            "t": cited,
            "title": params.title,
            "synthetic": is_synthetic(study, params=params),
            "glossary": glossary(),
        }
    )
    return Report(tables=tables, page=page)


def write_report(report: Report, *, tables: Path, page: Path) -> None:
    """Write the report's own tables into the folder `tables` and the page to `page`, each whole or not at all."""
    for name, contract in REPORT_TABLES.items():
        write_table(report.tables[name], tables / f"{name}.csv", contract)
    page.parent.mkdir(parents=True, exist_ok=True)
    partial = page.with_name(page.name + ".partial")
    partial.write_text(report.page, encoding="utf-8")
    partial.replace(page)
