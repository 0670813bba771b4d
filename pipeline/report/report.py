"""The report: one page for the clinician, the reviewer and the statistician, with every number taken from a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.contracts.reports.report import TABLES
from pipeline.foundation.folders import written_aside
from pipeline.foundation.study_folders import is_demo
from pipeline.foundation.tables import write_table
from pipeline.report.inputs import RESULTS, ReportInputs
from pipeline.report.own_tables import report_tables
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.context import page_variables
from pipeline.report.page.glossary import glossary
from pipeline.report.page.render import render
from pipeline.report.params import ReportParams


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report's own tables by name (see `TABLES`), and the page."""

    tables: Mapping[str, pd.DataFrame]
    page: str


def root_of(study: ReportInputs) -> str:
    """The root of the cohort, as the params give it."""
    return str(study.params.get("cohort", {}).get("root", ""))


def other_words(study: ReportInputs, *, params: ReportParams) -> str | None:
    """A warning if the words of the params describe another study, which the report leaves out, else None."""
    root = root_of(study)
    if params.about(root) is params:
        return None
    return (
        f"params/report.yaml: title, synthetic and study describe {params.describes}, not {root}, and are left out; "
        f"describe your study there, and set describes: {root}"
    )


def cells(study: ReportInputs, *, tables: Mapping[str, pd.DataFrame]) -> dict[str, Cells]:
    """Every table behind the page, by its short name."""
    results = {
        name: Cells(study.results[name], name=f"{name}.csv", key=contract.key) for name, contract in RESULTS.items()
    }
    own = {name: Cells(tables[name], name=f"report/{name}.csv", key=contract.key) for name, contract in TABLES.items()}
    return results | own


def make_report(study: ReportInputs, *, params: ReportParams) -> Report:
    """The page and its tables; the same inputs give the same bytes."""
    root = root_of(study)
    params = params.about(root)
    tables = report_tables(study, params=params)
    cited = cells(study, tables=tables)
    context = page_variables(study, cells=cited, tables=tables, top_features=params.top_features)
    page = render(
        context
        | {
            "t": cited,
            "title": params.title,
            "synthetic": params.synthetic or is_demo(root),
            "glossary": glossary(
                segmentation="segmentation" not in context["absent"],
                contributions="contributions" not in context["absent"],
            ),
        }
    )
    return Report(tables=tables, page=page)


def write_report(report: Report, *, tables: Path, page: Path) -> None:
    """Write the report's own tables into the folder `tables` and the page to `page`.

    Both are written beside their places first, so that a run that fails leaves the previous report as it was; files
    that the folder held before are gone.
    """
    page.parent.mkdir(parents=True, exist_ok=True)
    partial = page.with_name(page.name + ".partial")
    try:
        with written_aside(tables) as aside:
            for name, contract in TABLES.items():
                write_table(report.tables[name], aside / f"{name}.csv", contract)
            partial.write_text(report.page, encoding="utf-8")
        partial.replace(page)
    finally:
        partial.unlink(missing_ok=True)
