"""One self-test as a row: what it shows, the light, the value and the limit it is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.errors import PipelineError

Light = Literal["green", "amber", "red", "grey"]
RED = "red"


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


def check_lights(checks: Sequence[Check], *, allow_insample: bool, place: str) -> None:
    """Raise PipelineError that names every red check, except in-sample networks if the params allow them.

    `place` names the table of the lights, which is written already.
    """
    red = [one for one in checks if one.light == RED and not (allow_insample and one.check == "networks_insample")]
    if not red:
        return
    findings = "; ".join(f"{one.title}: {one.finding.rstrip('.')}" for one in red)
    count = "1 self-test is" if len(red) == 1 else f"{len(red)} self-tests are"
    raise PipelineError(f"{count} red, so no report is made; every light is in {place}. {findings}.")
