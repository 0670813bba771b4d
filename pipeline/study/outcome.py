"""Whether the table of images says which column is the outcome; where it does not, nothing is guessed."""

from pathlib import Path

import pandas as pd

from pipeline.cohort.importers.csv_rows import read_rows
from pipeline.cohort.importers.manifest import OPTIONAL, REQUIRED
from pipeline.foundation.errors import CohortError

LABEL = "label"


def check_outcome(manifest: Path, *, clinical: Path | None) -> None:
    """Raise CohortError if the table of images has no column `label`; it lists every column with two values.

    Columns of the clinical table count too. Raises CohortError as `read_rows` does.
    """
    rows = read_rows(manifest)
    if LABEL in rows:
        return
    found = _two_valued(rows, place=manifest.name)
    found += _two_valued(read_rows(clinical), place=clinical.name) if clinical else []
    start = f"{manifest}: there is no column {LABEL}"
    rule = f"{LABEL} must be 1 for patients with the event and 0 for those without"
    if not found:
        raise CohortError(f"{start}, and no other column has two values; add it: {rule}")
    listing = ", ".join(found)
    if len(found) == 1:
        raise CohortError(f"{start}; if {listing} is the outcome, name it {LABEL} in {manifest.name}: {rule}")
    raise CohortError(
        f"{start}, and {len(found)} columns have two values: {listing}; which one is the outcome is not guessed: name "
        f"it {LABEL} in {manifest.name}, and {rule}"
    )


def _two_valued(rows: pd.DataFrame, *, place: str) -> list[str]:
    """Each column of `rows` with exactly two different entries, with its table and its values."""
    known = (*REQUIRED, *OPTIONAL)
    values = {str(name): sorted(set(rows[name]) - {""}) for name in rows.columns if name not in known}
    return [f"{name} of {place} ({', '.join(two)})" for name, two in values.items() if len(two) == 2]
