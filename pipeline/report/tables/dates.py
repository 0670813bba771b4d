"""The quarters in which the patients of each cohort were imaged; the dates themselves stay with the data."""

import pandas as pd

from pipeline.contracts.data.cohort import DATE
from pipeline.contracts.reports.leaks import DATES
from pipeline.foundation.dates import quarter_of
from pipeline.report.tables.patient_groups import GROUPS


def dates_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """First and last quarter, and patients with and without a date, by cohort; empty if the patients have no dates.

    `role` by patient_id: train, internal or external. ISO dates order as text, whether with a day or without.
    """
    if DATE not in patients.columns:
        return DATES.empty()
    cohort = patients["patient_id"].map(role)
    rows = []
    for name in (name for name in GROUPS if (cohort == name).any()):
        dates = patients.loc[cohort == name, DATE]
        known = dates.dropna()
        ends = (quarter_of(known.min()), quarter_of(known.max())) if len(known) else (None, None)
        rows.append((name, *ends, len(dates), len(dates) - len(known)))
    return pd.DataFrame(rows, columns=DATES.names)
