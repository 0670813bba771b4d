"""Dates: whether the training patients come before the test patients, as those of a later use will."""

from collections.abc import Iterable

import pandas as pd

from pipeline.contracts.data.cohort import DATE
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.dates import is_later
from pipeline.selftest.lights import Check, Light

TITLE = "No training patient is dated after a test patient"
RULE = (
    "Amber if a training patient has a later date than an internal or external patient (the value counts such "
    "training patients; dates given by month are compared by month; patients without a date are not counted)."
)


def dates_check(patients: pd.DataFrame, *, splits: pd.DataFrame) -> Check:
    """No training patient of resample `final` has a later date than a test patient; never red.

    `patients` may have the column `date` (YYYY-MM-DD or YYYY-MM; missing = NaN). Grey if there are no test patients, or
    no date on one of the two sides.
    """
    final = splits[splits["resample"] == FINAL]
    tested = final.loc[final["role"].isin(["internal", "external"]), "patient_id"]
    if tested.empty:
        return _light("grey", finding="No patient is held out as a test patient.")
    dates = patients.set_index("patient_id")[DATE].dropna() if DATE in patients else pd.Series(dtype="str")
    training = dates[dates.index.isin(final.loc[final["role"] == "train", "patient_id"])]
    test = dates[dates.index.isin(tested)]
    if training.empty or test.empty:
        return _light("grey", finding="The training or the test patients have no dates.")
    later = _after_any(training, others=test.unique())
    undated = len(training) + len(test) < len(final)
    finding = "Training patients are dated after test patients, so this is no test on later patients."
    if not later:
        finding = "No training patient is dated after a test patient."
    if undated:
        finding += " Some patients have no date."
    return _light("amber" if later else "green", finding=finding, later=later)


def _after_any(dates: pd.Series, *, others: Iterable[str]) -> int:
    """How many `dates` are later than at least one of `others`."""
    # Months and days are compared by month, so that the earliest day and the earliest month both count.
    days, months = [one for one in others if len(one) > len("YYYY-MM")], {one[:7] for one in others}
    bounds = [min(months), *([min(days)] if days else [])]
    return int(sum(any(is_later(one, bound) for bound in bounds) for one in dates))


def _light(light: Light, *, finding: str, later: int | None = None) -> Check:
    return Check(
        check="dates_in_order",
        light=light,
        title=TITLE,
        rule=RULE,
        finding=finding,
        value=None if later is None else float(later),
        limit=None if later is None else 0.0,
    )
