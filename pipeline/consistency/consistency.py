"""Is a table of results possible? Every printed figure is checked against every other, as a careful reviewer would.

Nothing is assumed but the definitions of the metrics and rounding: the counts of true and false positives and
negatives are integers, so most sets of printed figures cannot come from any group of patients. After the GRIM test of
means (Brown and Heathers 2017), here for confusion matrices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import Field

from pipeline.consistency.copies import column_findings, row_findings
from pipeline.consistency.findings import Finding, finding_table
from pipeline.consistency.identities import auc_findings, identity_findings
from pipeline.consistency.intervals import interval_findings
from pipeline.consistency.printed_table import Table, read_rows
from pipeline.consistency.rounding import ROUNDINGS, Rounding
from pipeline.consistency.shared_test_sets import shared_set_findings
from pipeline.consistency.sums import size_findings, sum_findings
from pipeline.consistency.verdict_messages import verdict_findings
from pipeline.consistency.verdicts import Verdict, judge, matrix_rows, matrix_table
from pipeline.foundation.params import Params

# The metric of metrics.csv behind each column of a printed table.
PRINTED = {
    "AUC": "auc",
    "ACC": "accuracy",
    "SEN": "sensitivity",
    "SPE": "specificity",
    "PPV": "ppv",
    "NPV": "npv",
    "F1": "f1",
}


class ConsistencyParams(Params):
    """`params/consistency.yaml`; the defaults are its values, for a table checked by itself."""

    max_n: int = Field(default=420, ge=2, le=2000, description="largest test set that is tried, patients")
    rounding: tuple[Rounding, ...] = Field(default=ROUNDINGS, min_length=1, description="kinds of rounding, in order")
    max_matrices: int = Field(default=100, ge=1, le=100_000, description="matrices written for one row")
    equal_rows: int = Field(default=3, ge=2, description="equal rows that make two columns a finding")
    equal_columns: int = Field(default=4, ge=2, le=7, description="equal columns that make two rows a finding")
    narrowest: float = Field(default=0.7, gt=0, le=1, description="fraction of Wilson's width")
    narrowest_auc: float = Field(default=0.5, gt=0, le=1, description="fraction of Hanley and McNeil's width")


@dataclass(frozen=True, kw_only=True)
class Result:
    """`consistency.csv` and `matrices.csv`."""

    findings: pd.DataFrame
    matrices: pd.DataFrame

    def verdict(self) -> str:
        """The outcome in one sentence."""
        errors, warnings = (int((self.findings["severity"] == name).sum()) for name in ("error", "warning"))
        if not errors and not warnings:
            return "no figure contradicts another"
        return f"contradictions: {errors}, doubts: {warnings}; every one is in consistency.csv"


def check_published(table: pd.DataFrame, *, params: ConsistencyParams, place: str) -> Result:
    """All findings about a table of text cells, one row per model, and the matrices that fit its rows.

    Columns (any case, common synonyms): model, cohort, test_set, ACC, SEN, SPE, PPV, NPV, F1, AUC with `_low` and
    `_high`, prevalence, n_pos, n_neg, n, tp, fn, tn, fp. Raises TableError as `read_rows`; `place` names the table.
    """
    read = read_rows(table, place=place)
    verdicts = [judge(row, max_n=params.max_n, roundings=params.rounding) for row in read.rows]
    matrices: list[dict[str, Any]] = []
    for verdict in verdicts:
        matrices += matrix_rows(verdict, limit=params.max_matrices)
    return Result(findings=finding_table(_findings(read, verdicts, params=params)), matrices=matrix_table(matrices))


def check_own(metrics: pd.DataFrame, *, params: ConsistencyParams, place: str) -> Result:
    """The same for our own metrics.csv as it is printed; no finding if there is no test evaluation."""
    table = printed_table(metrics)
    if not len(table):
        return Result(findings=finding_table([]), matrices=matrix_table([]))
    return check_published(table, params=params, place=place)


def _findings(read: Table, verdicts: Sequence[Verdict], *, params: ConsistencyParams) -> Iterator[Finding]:
    for number, model, check, message in read.faults:
        yield Finding((number,), model, check, "error" if check == "range" else "warning", message)
    if read.ignored:
        message = f"Ignored: {', '.join(read.ignored)}; no known name of a column."
        yield Finding((1,), None, "columns", "info", message)
    for verdict in verdicts:
        yield from verdict_findings(verdict)
        # If a matrix exists, the identities hold.
        if verdict.metrics and not verdict.complete:
            yield from identity_findings(verdict.row)
        yield from auc_findings(verdict.row)
        fractions = {"narrowest": params.narrowest, "narrowest_auc": params.narrowest_auc}
        yield from interval_findings(verdict, **fractions)
        yield from sum_findings(verdict.row)
    yield from size_findings(read.rows)
    yield from shared_set_findings(verdicts)
    yield from column_findings(verdicts, equal_rows=params.equal_rows)
    yield from row_findings(verdicts, equal_columns=params.equal_columns)


def printed_table(metrics: pd.DataFrame, *, decimals: int = 3) -> pd.DataFrame:
    """Our own table as it would be printed: text, one row per model and test evaluation, intervals and class sizes.

    `metrics` is metrics.csv; its cross-validation is excluded, as it has no counts. Undefined values are empty.
    """
    kept = metrics[metrics["evaluation"] != "cv"]
    rows = []
    for (feature_set, model, evaluation), own in kept.groupby(["feature_set", "model", "evaluation"], sort=True):
        by_metric = own.set_index("metric")
        row = {"model": f"{feature_set}, {model}", "cohort": evaluation}
        row |= {name: str(int(by_metric[name].iloc[0])) for name in ("n_pos", "n_neg")}
        for name, metric in PRINTED.items():
            for column, suffix in (("estimate", ""), ("ci_low", "_low"), ("ci_high", "_high")):
                value = by_metric[column].get(metric)
                row[f"{name}{suffix}"] = "" if value is None or pd.isna(value) else f"{value:.{decimals}f}"
        rows.append(row)
    columns = ["model", "cohort", "n_pos", "n_neg", *(f"{a}{b}" for a in PRINTED for b in ("", "_low", "_high"))]
    return pd.DataFrame(rows, columns=columns)
