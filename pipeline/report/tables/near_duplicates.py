"""Near-duplicates by pseudonym, with how many patients they concern."""

import pandas as pd

from pipeline.contracts.reports.leaks import NEAR_COUNTS, NEAR_PAIRS
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.report.near_images import MAX_SHOWN, NearImages


def near_table(near: NearImages, *, patients: pd.DataFrame, names: Pseudonyms) -> pd.DataFrame:
    """One row per pair in the order of `near.pairs`, as contract NEAR_PAIRS."""
    pairs, label = near.pairs, patients.set_index("patient_id")["label"]
    width = len(str(len(pairs)))
    columns = {column: pairs[column].map(names.of) for column in ("image_a", "patient_a", "image_b", "patient_b")}
    table = pairs[["distance", "mirrored", "joined"]].assign(
        number=[f"{n:0{width}d}" for n in range(1, len(pairs) + 1)],
        same_label=(pairs["patient_a"].map(label) == pairs["patient_b"].map(label)).astype(int),
        shown=[int(n < MAX_SHOWN) for n in range(len(pairs))],
        **columns,
    )
    return table[NEAR_PAIRS.names].astype({"number": "str"} | dict.fromkeys(columns, "str"))


def near_count_table(near: NearImages, *, table: pd.DataFrame) -> pd.DataFrame:
    """Numbers of pairs and of patients, as contract NEAR_COUNTS; `table` from `near_table`."""
    pairs = near.pairs
    counts = {
        "pairs": len(pairs),
        "pairs_shown": int(table["shown"].sum()),
        "pairs_not_shown": int((table["shown"] == 0).sum()),
        "pairs_mirrored": int((table["mirrored"] == 1).sum()),
        "pairs_of_two_outcomes": int((table["same_label"] == 0).sum()),
        "patients": _patients(pairs),
        "patients_joined": _patients(pairs[pairs["joined"] == 1]),
    }
    return pd.DataFrame(list(counts.items()), columns=NEAR_COUNTS.names)


def _patients(pairs: pd.DataFrame) -> int:
    return len({*pairs["patient_a"], *pairs["patient_b"]})
