"""One self-test as a row of `selftest.csv`, and the verdict on all rows: a red light fails the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.errors import PipelineError

Light = Literal["green", "amber", "red", "grey"]
RED = "red"
ALLOWED = ("networks_insample", "ready_made_blocks")  # in-sample on purpose, for comparison with published practice


@dataclass(frozen=True, kw_only=True)
class Check:
    """A row of `selftest.csv`; `title` and `finding` are plain words; the numbers are in `value` and `limit`."""

    check: str
    light: Light
    title: str
    rule: str
    finding: str
    value: float | None = None
    limit: float | None = None


def selftest_table(checks: Sequence[Check]) -> pd.DataFrame:
    """`selftest.csv`: one row per check."""
    columns = SELFTEST.names
    return pd.DataFrame([vars(check) for check in checks]).reindex(columns=columns)


def check_lights(lights: pd.DataFrame, *, allow_insample: bool, place: str, report: str) -> None:
    """Raise PipelineError that names every red row of `selftest.csv`, except those of ALLOWED if `allow_insample`.

    `place` names the table of the lights, `report` the report that shows them.
    """
    red = lights[(lights["light"] == RED) & ~(lights["check"].isin(ALLOWED) & allow_insample)]
    if red.empty:
        return
    findings = "; ".join(f"{row.title}: {str(row.finding).rstrip('.')}" for row in red.itertuples())
    count = "1 self-test is" if len(red) == 1 else f"{len(red)} self-tests are"
    raise PipelineError(
        f"{count} red, so the results cannot be used; {report} shows why on its first page, and every light is in "
        f"{place}. {findings}."
    )
