"""tables.dates: the quarters of each cohort, and no date."""

import pandas as pd

from pipeline.contracts.reports.leaks import DATES
from pipeline.foundation.tables import check_table
from pipeline.report.tables.dates import dates_table

ROLE = pd.Series({"a": "train", "b": "train", "c": "train", "d": "external"})


def test_first_and_last_quarter_of_each_cohort():
    dates = ["2021-07", "2019-12-31", None, None]
    table = dates_table(pd.DataFrame({"patient_id": list("abcd"), "date": dates}), role=ROLE)
    check_table(table, DATES, place="dates")

    assert table.iloc[0].tolist() == ["train", "2019 Q4", "2021 Q3", 3, 1]
    assert table.iloc[1][["cohort", "n", "n_missing"]].tolist() == ["external", 1, 1]
    assert table.loc[1, ["first", "last"]].isna().all()
    assert "2019-12" not in table.to_csv()


def test_without_dates_there_is_no_row():
    table = dates_table(pd.DataFrame({"patient_id": list("abcd")}), role=ROLE)

    assert len(table) == 0
    check_table(table, DATES, place="dates")
