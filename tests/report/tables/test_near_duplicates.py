"""tables.near_duplicates: pairs by pseudonym, and numbers counted by hand."""

import pandas as pd

from pipeline.contracts.data.cohort import NEAR_DUPLICATES
from pipeline.contracts.reports.leaks import NEAR_COUNTS, NEAR_PAIRS
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.foundation.tables import check_table
from pipeline.report.near_images import MAX_SHOWN, NearImages
from pipeline.report.tables.near_duplicates import near_count_table, near_table

PATIENTS = pd.DataFrame({"patient_id": ["p1", "p2", "p3"], "label": [0, 1, 0]})
NAMES = Pseudonyms(patients=["p1", "p2", "p3"], images=["i1", "i2", "i3"])
ROWS = [("i1", "i2", "p1", "p2", 0.2, 0, 0), ("i1", "i3", "p1", "p3", 0.1, 1, 1)]


def tables(rows):
    near = NearImages(pairs=pd.DataFrame(rows, columns=NEAR_DUPLICATES.names), thumbnails={})
    table = near_table(near, patients=PATIENTS, names=NAMES)
    counts = near_count_table(near, table=table)
    check_table(table, NEAR_PAIRS, place="near_duplicates")
    check_table(counts, NEAR_COUNTS, place="near_counts")
    return table, counts.set_index("what")["n"].to_dict()


def test_pairs_carry_pseudonyms_and_no_id():
    table, _ = tables(ROWS)

    assert list(table.iloc[0]) == ["1", "image #1", "patient #1", "image #2", "patient #2", 0.2, 0, 0, 0, 1]
    assert list(table["same_label"]) == [0, 1]
    assert not {"i1", "i2", "i3", "p1", "p2", "p3"} & set(table.astype(str).to_numpy().ravel())


def test_numbers_by_hand():
    _, counts = tables(ROWS)

    assert counts == {
        "pairs": 2,
        "pairs_shown": 2,
        "pairs_not_shown": 0,
        "pairs_mirrored": 1,
        "pairs_of_two_outcomes": 1,
        "patients": 3,
        "patients_joined": 2,
    }


def test_more_pairs_than_the_page_shows_are_counted():
    _, counts = tables([(f"a{n}", f"b{n}", "p1", "p2", 0.1, 0, 1) for n in range(MAX_SHOWN + 3)])

    assert (counts["pairs_shown"], counts["pairs_not_shown"]) == (MAX_SHOWN, 3)


def test_no_pair_makes_an_empty_table():
    table, counts = tables([])

    assert len(table) == 0
    assert set(counts.values()) == {0}
