"""Features by class: number in the dictionary, and number that agree between repeated masks."""

import pandas as pd

from pipeline.contracts.reports.report import AGREEMENT_SUMMARY

ALL = "all"
GOOD = 0.75  # a lower limit from which agreement is called good (Koo and Li, J Chiropr Med 2016;15:155)


def agreement_summary(agreement: pd.DataFrame, *, dictionary: pd.DataFrame, limit: float) -> pd.DataFrame:
    """By class of the dictionary and for all features: the number whose ICC has a lower 95 % limit of `limit` or more.

    A feature with an undefined ICC (constant) does not count as good.
    """
    columns = AGREEMENT_SUMMARY.names
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


def feature_count_table(dictionary: pd.DataFrame) -> pd.DataFrame:
    """The number of features of each block by class, and in all classes together (feature_class = all)."""
    rows: list[tuple[str, str, int]] = []
    for block, features in dictionary.groupby("block", sort=True):
        rows.append((str(block), ALL, len(features)))
        counts = features["class"].dropna().value_counts().sort_index()
        rows += [(str(block), str(name), int(n)) for name, n in counts.items()]
    return pd.DataFrame(rows, columns=["block", "feature_class", "n"])
