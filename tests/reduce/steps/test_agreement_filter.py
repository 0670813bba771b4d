"""The filter keeps what agrees between masks, by the lower limit, and says nothing about what it cannot judge."""

import numpy as np
import pandas as pd
import pytest

from pipeline.agreement.agreement import feature_agreement
from pipeline.foundation.errors import PipelineError
from pipeline.reduce.steps.agreement_filter import AgreementFilter
from pipeline.statistics.icc import icc


def repeated(n=20, *, repeats=3, seed=0):
    """`steady` varies between images and hardly between masks, `loose` as much, `flat` not at all."""
    rng = np.random.default_rng(seed)
    image, mask = np.divmod(np.arange(n * repeats), repeats)
    rows = pd.DataFrame({"image_id": [f"i{i:02d}" for i in image], "repeat": mask.astype(str)})
    noise = rng.normal(size=(2, n * repeats))
    truth = rng.normal(size=n)[image]
    rows = rows.assign(status="ok", reason=None, dice=0.9)
    return rows.assign(steady=truth + 0.05 * noise[0], loose=truth + noise[1], flat=1.0)


def test_the_table_is_the_icc_of_images_by_masks():
    rows = repeated()
    found = feature_agreement(rows.sample(frac=1, random_state=1)).set_index("feature")

    cube = rows[["steady", "loose", "flat"]].to_numpy().reshape(20, 3, 3)
    expected = icc(cube, form="ICC(A,1)")
    np.testing.assert_array_equal(found[["icc", "ci_low", "ci_high"]], expected[["icc", "ci_low", "ci_high"]])
    assert found.loc["steady", ["form", "n_images", "n_repeats"]].tolist() == ["ICC(A,1)", 20, 3]


def test_a_failed_mask_takes_its_image_out():
    rows = repeated()
    rows.loc[4, ["status", "steady", "loose", "flat"]] = ["extraction_failed", np.nan, np.nan, np.nan]

    left = rows[rows["image_id"] != "i01"]
    found, without = feature_agreement(rows), feature_agreement(left)

    assert found["n_images"].tolist() == [19, 19, 19]
    pd.testing.assert_frame_equal(found, without)


def test_no_repeats_are_no_rows():
    assert feature_agreement(pd.DataFrame(columns=["image_id", "repeat", "status", "reason", "dice"])).empty
    assert feature_agreement(repeated(repeats=1)).empty


def test_steady_features_stay_in_every_view_and_indicators_too():
    fitted = AgreementFilter(min_lower_limit=0.75).fit(repeated())
    columns = ["loose@trans", "steady@long", "flat@long", "steady@trans", "missing@long"]

    kept = fitted.transform(pd.DataFrame([[1, 2, 3, 4, 0]], columns=columns))

    assert fitted.kept_ == {"steady"}
    assert kept.columns.tolist() == ["steady@long", "steady@trans", "missing@long"]
    assert fitted.transform(pd.DataFrame(columns=["steady", "flat", "missing"])).columns.tolist() == [
        "steady",
        "missing",
    ]


def test_the_lower_limit_decides_and_not_the_estimate():
    agreement = feature_agreement(repeated()).set_index("feature").loc["loose"]
    between = (agreement["ci_low"] + agreement["icc"]) / 2

    assert "loose" not in AgreementFilter(min_lower_limit=between).fit(repeated()).kept_
    assert "loose" in AgreementFilter(min_lower_limit=agreement["ci_low"]).fit(repeated()).kept_


@pytest.mark.parametrize("rows", [repeated(n=1), repeated(repeats=1), repeated()[:0]])
def test_without_repeated_masks_nothing_can_be_judged(rows):
    with pytest.raises(PipelineError, match="fewer than 2 training images"):
        AgreementFilter(min_lower_limit=0.75).fit(rows)


def test_features_of_other_settings_are_refused():
    fitted = AgreementFilter(min_lower_limit=0.75).fit(repeated())

    with pytest.raises(PipelineError, match="lacks 1 features of the images, first other"):
        fitted.transform(pd.DataFrame(columns=["steady@long", "other@long"]))
