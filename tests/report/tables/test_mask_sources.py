"""tables.mask_sources: each image by the source of its mask, counted by hand."""

import pandas as pd

from pipeline.contracts.reports.regions import MASK_SOURCES
from pipeline.foundation.tables import check_table
from pipeline.report.tables.mask_sources import mask_source_table

COHORT = pd.DataFrame(
    {
        "image_id": list("abcde"),
        "patient_id": ["1", "1", "2", "3", "4"],
        "mask": ["a.nrrd", "b.nrrd", "c.nrrd", None, None],
        "mask_source": ["a_mask.png", "polygons", "full", None, None],
    }
)
ROLE = pd.Series({"1": "train", "2": "train", "3": "internal", "4": "internal"})


def counts(rois):
    table = mask_source_table(COHORT, rois=rois, role=ROLE)
    check_table(table, MASK_SOURCES, place="mask_sources")
    return table.set_index(["source", "cohort"])["n"].to_dict()


def test_given_masks_by_their_form():
    found = counts(pd.DataFrame({"image_id": list("abcde")}))

    every = {source: n for (source, cohort), n in found.items() if cohort == "all"}
    assert every == {"file": 1, "polygons": 1, "full": 1, "none": 2}
    assert (found["none", "train"], found["none", "internal"]) == (0, 2)


def test_a_predicted_mask_takes_the_place_of_the_given_one():
    sources = ["predicted", "given", "given", "predicted", "given"]
    found = counts(pd.DataFrame({"image_id": list("abcde"), "mask_source": sources}))

    assert found["predicted", "all"] == 2
    assert (found["predicted", "train"], found["predicted", "internal"]) == (1, 1)
    assert found["none", "all"] == 1
    assert ("file", "all") not in found
