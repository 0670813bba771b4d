"""Excluded cases, failed images, and the warnings and notes of the audit, by pseudonym."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from pipeline.cohort.checks import CHECKS
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.cohort_flow import DROPPED, excluded_cases


def excluded_table(audit: pd.DataFrame, *, names: Pseudonyms) -> pd.DataFrame:
    """Every excluded case, with the rule under which the cohort flow counts it, and the reason."""
    cases = excluded_cases(audit)
    rows = [(row.scope, names.of(row.id), row.rule, _masked(row, names)) for row in cases.itertuples()]
    return _numbered(rows, ["scope", "case", "rule", "reason"])


def failed_table(study: ReportInputs, *, names: Pseudonyms) -> pd.DataFrame:
    """Every image without a usable ROI or without radiomics, with the status and the reason."""
    steps = {"region of interest": study.rois, "radiomics": study.extraction}
    rows = [
        (
            names.of(row.image_id),
            step,
            row.status,
            "" if pd.isna(row.reason) else names.mask(row.reason, scope="image", case=row.image_id),
        )
        for step, table in steps.items()
        for row in table[table["status"] != "ok"].itertuples()
    ]
    return _numbered(rows, ["case", "step", "status", "reason"])


def warnings_table(audit: pd.DataFrame, *, names: Pseudonyms) -> pd.DataFrame:
    """Every warning of the audit; `row` = its row in `audit.csv` (with the ids), as a spreadsheet counts it."""
    found = audit[audit["severity"] == "warning"]
    rows = [
        (row.scope, _subject(row, names), row.check, _masked(row, names), row.Index + 2) for row in found.itertuples()
    ]
    return _numbered(rows, ["scope", "case", "check", "message", "row"])


def notes_table(audit: pd.DataFrame) -> pd.DataFrame:
    """How often the audit made each note (a finding that is not a fault), and its meaning."""
    counts = audit.loc[audit["severity"] == "info", "check"].value_counts()
    rows = [
        (check, int(n), CHECKS.get(str(check), "")) for check, n in counts.items() if not str(check).startswith(DROPPED)
    ]
    return pd.DataFrame(rows, columns=["check", "n", "meaning"])


def _subject(row: Any, names: Pseudonyms) -> str:
    return names.of(row.id) if row.scope in ("image", "patient") else "" if pd.isna(row.id) else str(row.id)


def _masked(row: Any, names: Pseudonyms) -> str:
    return names.mask(str(row.message), scope=str(row.scope), case=row.id)


def _numbered(rows: Sequence[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
    width = len(str(len(rows)))
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "number", [f"{n:0{width}d}" for n in range(1, len(rows) + 1)])
    return table.astype({"number": "str"})
