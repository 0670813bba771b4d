"""Agreement of each feature between repeated masks: the ICC over images and masks, failed masks, no masks."""

import numpy as np
import pandas as pd
from repeated_masks import repeated

from pipeline.agreement.agreement import feature_agreement
from pipeline.statistics.icc import icc


def test_the_table_is_the_icc_of_images_by_masks():
    rows = repeated()
    found = feature_agreement(rows.sample(frac=1, random_state=1)).set_index("feature")

    cube = rows[["steady", "loose", "flat"]].to_numpy().reshape(20, 3, 3)
    expected = icc(cube, form="ICC(A,1)")
    np.testing.assert_array_equal(found[["icc", "ci_low", "ci_high"]], expected[["icc", "ci_low", "ci_high"]])
    assert found.loc["steady", ["form", "n_images", "n_repeats"]].tolist() == ["ICC(A,1)", 20, 3]


def test_a_failed_mask_excludes_its_image():
    rows = repeated()
    rows.loc[4, ["status", "steady", "loose", "flat"]] = ["extraction_failed", np.nan, np.nan, np.nan]

    kept = rows[rows["image_id"] != "i01"]
    found, without = feature_agreement(rows), feature_agreement(kept)

    assert found["n_images"].tolist() == [19, 19, 19]
    pd.testing.assert_frame_equal(found, without)


def test_no_repeats_are_no_rows():
    assert feature_agreement(pd.DataFrame(columns=["image_id", "repeat", "status", "reason", "dice"])).empty
    assert feature_agreement(repeated(repeats=1)).empty
