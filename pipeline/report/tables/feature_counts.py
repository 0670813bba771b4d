"""How many features of each class the dictionary lists, so that no count is typed by hand."""

import pandas as pd

ALL = "all"


def feature_count_table(dictionary: pd.DataFrame) -> pd.DataFrame:
    """The features of each block by class, and of all classes together (feature_class = all)."""
    rows: list[tuple[str, str, int]] = []
    for block, features in dictionary.groupby("block", sort=True):
        rows.append((str(block), ALL, len(features)))
        counts = features["class"].dropna().value_counts().sort_index()
        rows += [(str(block), str(name), int(n)) for name, n in counts.items()]
    return pd.DataFrame(rows, columns=["block", "feature_class", "n"])
