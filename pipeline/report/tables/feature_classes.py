"""Features by class: number in the dictionary, and number that agree between repeated masks."""

import pandas as pd

from pipeline.contracts.data.habitat import ABSENT
from pipeline.contracts.reports.report import AGREEMENT_SUMMARY

ALL = "all"
GOOD = 0.75  # a lower limit from which agreement is called good (Koo and Li, J Chiropr Med 2016;15:155)


def agreement_summary(agreement: pd.DataFrame, *, dictionary: pd.DataFrame, limit: float) -> pd.DataFrame:
    """By block, part and class of the dictionary, and for all classes: the number of features whose ICC has a lower
    95 % limit of `limit` or more.

    A feature with an undefined ICC (constant) does not count as good; one that no image has (of a habitat beyond their
    number) does not count at all, nor does an indicator of an empty habitat or ring, which is never dropped.
    """
    columns = AGREEMENT_SUMMARY.names
    if not len(agreement):
        return pd.DataFrame(columns=columns)
    classes = dict(zip(dictionary["feature"], dictionary["class"].fillna("other"), strict=True))
    table = agreement.assign(feature_class=agreement["feature"].map(classes).fillna("other"))
    table = table[(table["n_images"] > 0) & ~table["feature"].str.endswith(ABSENT)]
    rows = []
    for (block, part), features in table.groupby(["block", "part"], sort=True):
        groups = [(ALL, features), *features.groupby("feature_class", sort=True)]
        rows += [(block, part, str(name), *_row(own, limit=limit)) for name, own in groups]
    return pd.DataFrame(rows, columns=columns)


def _row(features: pd.DataFrame, *, limit: float) -> tuple[float, ...]:
    good = int((features["ci_low"] >= limit).sum())
    quartiles = features["icc"].quantile([0.5, 0.25, 0.75]).to_list()
    drawn = (int(features["n_images"].max()), int(features["n_repeats"].max()))
    return len(features), good, good / len(features), *quartiles, *drawn, limit


def feature_count_table(dictionary: pd.DataFrame) -> pd.DataFrame:
    """The number of features of each block by class, and in all classes together (feature_class = all)."""
    rows: list[tuple[str, str, int]] = []
    for block, features in dictionary.groupby("block", sort=True):
        rows.append((str(block), ALL, len(features)))
        counts = features["class"].dropna().value_counts().sort_index()
        rows += [(str(block), str(name), int(n)) for name, n in counts.items()]
    return pd.DataFrame(rows, columns=["block", "feature_class", "n"])
