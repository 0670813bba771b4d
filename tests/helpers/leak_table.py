"""The suite of planted leaks as a table: for each leak, the audit line or light that must turn, and what it showed.

`python tests/helpers/leak_table.py` (from the project folder, with PYTHONPATH=.:tests/helpers) prints it for README.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from leaky_run import LeakyRun
from leaky_study import LEAKS

from pipeline.contracts.data.cohort import AUDIT
from pipeline.foundation.errors import CohortError
from pipeline.foundation.tables import read_table

AUDITED, SHUFFLED, CONTROLLED = "audit", "site", "controls"


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must turn for a leak: an audit line (by its severity) or a light (by its colour)."""

    seen_by: str
    check: str
    turns: str


EXPECTED = {
    "near_duplicate": Expected(seen_by=AUDITED, check="near_duplicate", turns="warning"),
    "two_ids": Expected(seen_by=AUDITED, check="near_duplicate", turns="warning"),
    "ids_alike": Expected(seen_by=AUDITED, check="ids_alike", turns="error"),
    "restating_column": Expected(seen_by=AUDITED, check="column_separates_outcome", turns="warning"),
    "burned_grade": Expected(seen_by=CONTROLLED, check="shifted_roi", turns="amber"),
    "calliper": Expected(seen_by=CONTROLLED, check="shifted_roi", turns="amber"),
    "scanner_gain": Expected(seen_by=CONTROLLED, check="frame_alone", turns="amber"),
    "frame_mark": Expected(seen_by=CONTROLLED, check="frame_alone", turns="amber"),
    "dilated_outline": Expected(seen_by=CONTROLLED, check="shape_alone", turns="amber"),
    "block_of_all": Expected(seen_by=CONTROLLED, check="ready_made_blocks", turns="amber"),
    "site_confounded": Expected(seen_by=SHUFFLED, check="sham_within_site", turns="amber"),
}


def audit_lines(run: LeakyRun) -> dict[str, tuple[str, float]]:
    """The severity and the number of the audit lines of each check that is no info."""
    with suppress(CohortError):  # the audit is written before an error stops the stage
        run.cohort()
    audit = read_table(run.path("data/audit.csv"), AUDIT)
    found = audit[audit["severity"] != "info"].groupby(["check", "severity"]).size()
    return {str(check): (str(severity), float(count)) for (check, severity), count in found.items()}


def seen(leak: str | None, *, folder: Path, by: str) -> dict[str, tuple[str, float]]:
    """What a study shows, with one leak planted or none: audit lines or lights, by check, with their values."""
    declared = {"deep": {"table": "deep.csv", "trained_on": "unknown" if leak == "block_of_all" else "nobody"}}
    run = LeakyRun(folder, leak=leak, params={"cohort": {"manifest": {"blocks": declared}}})
    if by == AUDITED:
        return audit_lines(run)
    run.cohort()
    run.features()
    run.models()
    return {"sham_within_site": run.site()} if by == SHUFFLED else run.controls()


def described(leak: str) -> str:
    """The leak in words: the first sentence of its docstring."""
    return (LEAKS[leak].__doc__ or "").strip().split("\n")[0].rstrip(".")


def main() -> None:
    """Print the table, one row per leak."""
    sys.stdout.write("| planted leak | seen by | turns | value |\n|---|---|---|---|\n")
    for leak, expected in EXPECTED.items():
        with TemporaryDirectory() as name:
            turned, value = seen(leak, folder=Path(name) / "study", by=expected.seen_by)[expected.check]
        place = f"audit `{expected.check}`" if expected.seen_by == AUDITED else f"light `{expected.check}`"
        sys.stdout.write(f"| {described(leak)} | {place} | {turned} | {value:.2f} |\n")


if __name__ == "__main__":
    main()
