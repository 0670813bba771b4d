"""How many features of each class agree between repeated outlines."""

import pandas as pd

from pipeline.contracts.reports.report import AGREEMENT_SUMMARY

ALL = "all"
GOOD = 0.75  # a lower limit from which agreement is called good (Koo and Li, J Chiropr Med 2016;15:155)


def agreement_summary(agreement: pd.DataFrame, *, dictionary: pd.DataFrame, limit: float) -> pd.DataFrame:
    """By class of the dictionary and of all features: how many have a lower 95 % limit of `limit` or more.

    A feature whose ICC is undefined (constant) is not good.
    """
    columns = [column.name for column in AGREEMENT_SUMMARY.columns]
    if not len(agreement):
        return pd.DataFrame(columns=columns)
    classes = dict(zip(dictionary["feature"], dictionary["class"].fillna("other"), strict=True))
    table = agreement.assign(feature_class=agreement["feature"].map(classes).fillna("other"))
    groups = [(ALL, table), *((str(name), rows) for name, rows in table.groupby("feature_class", sort=True))]
    rows = []
    for name, own in groups:
        good = int((own["ci_low"] >= limit).sum())
        quartiles = own["icc"].quantile([0.5, 0.25, 0.75]).to_list()
        drawn = (int(own["n_images"].max()), int(own["n_repeats"].max()))
        rows.append((name, len(own), good, good / len(own), *quartiles, *drawn, limit))
    return pd.DataFrame(rows, columns=columns)
