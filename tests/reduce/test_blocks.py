"""One row per patient: averages by view, missing views, which rows a (resample, part) uses; by hand."""

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.data.embed import embeddings_of
from pipeline.foundation.errors import PipelineError
from pipeline.reduce.blocks import (
    clinical_block,
    deep_block,
    features_block,
    parts_of,
    radiomics_block,
    table_block,
)

IDS = ["p1", "p2", "p3"]
COHORT = pd.DataFrame(
    [("p1_a", "p1", "long"), ("p1_b", "p1", "long"), ("p1_c", "p1", "trans"), ("p2_a", "p2", "long")],
    columns=["image_id", "patient_id", "view"],
)
SPLITS = pd.DataFrame(
    [("final", "p1", "train", "a"), ("final", "p2", "train", "b"), ("final", "p3", "external", None)],
    columns=["resample", "patient_id", "role", "half"],
)


def radiomics(**status):
    features = pd.DataFrame({"image_id": COHORT["image_id"], "status": "ok", "reason": None})
    features["f"], features["g"] = [1.0, 3.0, 10.0, 7.0], [0.0, np.nan, 4.0, 5.0]
    for image, found in status.items():
        features.loc[features["image_id"] == image, ["status", "f", "g"]] = [found, np.nan, np.nan]
    return features


def deep(*rows):
    table = pd.DataFrame(list(rows), columns=["resample", "part", "image_id", "net_0000"])
    return deep_block(embeddings_of(table), name="net", cohort=COHORT, splits=SPLITS, patients=IDS)


def test_views_are_column_groups_and_images_of_a_view_are_averaged():
    frame = radiomics_block(radiomics(), cohort=COHORT, patients=IDS).frame("final", "a")

    assert list(frame.columns) == ["f@long", "g@long", "f@trans", "g@trans", "missing@long", "missing@trans"]
    assert list(frame.index) == IDS
    assert frame.loc["p1"].tolist() == [2, 0, 10, 4, 0, 0]
    assert frame.loc["p2"].fillna(-1).tolist() == [7, 5, -1, -1, 0, 1]
    assert frame.loc["p3"].fillna(-1).tolist() == [-1, -1, -1, -1, 1, 1]


def test_a_failed_image_is_not_averaged_and_a_view_of_failed_images_is_missing():
    features = radiomics(p1_a="failed", p2_a="no region")
    frame = radiomics_block(features, cohort=COHORT, patients=IDS).frame("final", "all")

    assert frame.loc["p1", "f@long"] == 3
    assert frame.loc["p2", "missing@long"] == 1


def test_one_view_needs_no_suffix():
    cohort = COHORT.assign(view="main")
    block = radiomics_block(radiomics(), cohort=cohort, patients=IDS)

    assert list(block.frame("final", "all").columns) == ["f", "g", "missing"]
    assert block.indicators == ("missing",)
    assert block.frame("final", "all").loc["p1", "f"] == pytest.approx(14 / 3)


def test_rounding_noise_never_reaches_a_model():
    names = [f"lbp-3D-k_glcm_x{place}" for place in range(1556)] + [f"wavelet-LLH_glcm_x{place}" for place in range(5)]
    values = pd.DataFrame(np.ones((1, 1561)), columns=names)
    features = pd.concat([pd.DataFrame({"image_id": ["p1_a"], "status": "ok", "reason": None}), values], axis=1)
    columns = radiomics_block(features, cohort=COHORT, patients=IDS).frame("final", "all").columns

    assert not [name for name in columns if name.startswith("wavelet-LLH")]
    assert len(columns) == 2 * 1556 + 2


def test_order_of_images_does_not_change_a_digit():
    features = radiomics()
    features["f"] = [0.1, 0.2, 0.3, 0.7]
    first = radiomics_block(features, cohort=COHORT, patients=IDS).frame("final", "all")
    reversed_frame = radiomics_block(features[::-1], cohort=COHORT[::-1], patients=IDS[::-1]).frame("final", "all")

    pd.testing.assert_frame_equal(first, reversed_frame, check_exact=True)


def test_deep_rows_of_the_resample_and_part_then_all():
    block = deep(("final", "a", "p2_a", 5.0), ("final", "b", "p1_a", 6.0))
    assert block.frame("final", "a").loc["p2", "net_0000@long"] == 5
    assert np.isnan(block.frame("final", "b").loc["p2", "net_0000@long"])
    assert deep(("final", "all", "p2_a", 8.0)).frame("final", "a").loc["p2", "net_0000@long"] == 8  # insample
    assert deep(("all", "all", "p2_a", 9.0)).frame("final", "a").loc["p2", "net_0000@long"] == 9  # frozen


def test_deep_rows_that_do_not_exist_are_reported():
    with pytest.raises(PipelineError, match="no rows for resample cv-1-1, part a; run embed again"):
        deep(("final", "a", "p2_a", 5.0)).frame("cv-1-1", "a")


def test_a_resample_of_the_splits_without_rows_is_reported_before_any_is_read():
    splits = pd.concat([SPLITS, SPLITS.assign(resample="cv-1-1")])
    table = pd.DataFrame([("final", "a", "p2_a", 1.0)], columns=["resample", "part", "image_id", "net_0000"])

    with pytest.raises(PipelineError, match="no rows for resample cv-1-1, part a; run embed again"):
        deep_block(embeddings_of(table), name="net", cohort=COHORT, splits=splits, patients=IDS)


def test_a_half_embedded_by_its_own_network_is_refused():
    with pytest.raises(PipelineError, match=r"part a embeds 1 patients of the half .* first p1"):
        deep(("final", "a", "p1_c", 5.0))


def test_a_logit_follows_the_same_rules_and_is_not_an_embedding():
    table = pd.DataFrame([("final", "a", "p2_a", 0.4)], columns=["resample", "part", "image_id", "net_logit"])
    block = deep_block(embeddings_of(table), name="net_logit", cohort=COHORT, splits=SPLITS, patients=IDS)

    assert block.kind == "logit"
    assert block.frame("final", "a").loc["p2", ["net_logit@long", "missing@long"]].tolist() == [0.4, 0]
    with pytest.raises(PipelineError, match="part b embeds 1 patients of the half"):
        deep_block(embeddings_of(table.assign(part="b")), name="net_logit", cohort=COHORT, splits=SPLITS, patients=IDS)


def resampled(*rows):
    return embeddings_of(pd.DataFrame(list(rows), columns=["resample", "part", "image_id", "f", "g"]))


def test_radiomics_of_predicted_masks_are_those_of_the_resample():
    own = resampled(("cv-1-1", "all", "p1_a", 50.0, 1.0), ("cv-1-1", "all", "p1_b", 52.0, np.nan))
    block = radiomics_block(radiomics(), cohort=COHORT, patients=IDS, name="radiomics_predicted", resampled=own)
    whole = radiomics_block(radiomics(), cohort=COHORT, patients=IDS)

    for part in ("a", "all"):  # both halves have the masks of the whole resample
        frame = block.frame("cv-1-1", part)
        assert frame.loc["p1", ["f@long", "g@long"]].tolist() == [51, 1]
        assert frame.loc["p2", ["missing@long", "missing@trans"]].tolist() == [1, 1]
    pd.testing.assert_frame_equal(block.frame("final", "all"), whole.frame("final", "all"))
    assert list(block.frame("cv-1-1", "all").columns) == list(whole.frame("final", "all").columns)
    assert (block.name, block.kind, block.repeated) == ("radiomics_predicted", "radiomics", "radiomics")
    assert block.indicators == whole.indicators == ("missing@long", "missing@trans")


def test_features_of_noise_are_dropped_from_those_of_a_resample_too():
    names = [f"lbp-3D-k_glcm_x{place}" for place in range(1556)] + [f"wavelet-LLH_glcm_x{place}" for place in range(5)]
    table = pd.DataFrame(np.ones((1, 1561)), columns=names).assign(image_id="p1_a")
    cv = table.assign(resample="cv-1-1", part="all")[["resample", "part", "image_id", *names]]
    block = radiomics_block(
        table.assign(status="ok", reason=None), cohort=COHORT, patients=IDS, resampled=embeddings_of(cv)
    )

    assert list(block.frame("cv-1-1", "all").columns) == list(block.frame("final", "all").columns)


def test_features_of_a_resample_and_part_then_of_the_resample_then_of_all():
    rows = [("final", "all", "p2_a", 1.0, 2.0), ("final", "b", "p2_a", 3.0, np.nan), ("all", "all", "p1_c", 5.0, 6.0)]
    block = features_block(resampled(*rows), name="habitat", cohort=COHORT, patients=IDS)

    assert block.frame("final", "a").loc["p2", ["f@long", "g@long"]].tolist() == [1, 2]
    assert block.frame("final", "b").loc["p2", ["f@long", "missing@long"]].tolist() == [3, 0]
    assert np.isnan(block.frame("final", "b").loc["p2", "g@long"])
    assert block.frame("cv-1-1", "a").loc["p1", ["f@trans", "missing@long"]].tolist() == [5, 1]
    assert block.kind == "radiomics"
    nothing = features_block(resampled(rows[0]), name="habitat", cohort=COHORT, patients=IDS)
    with pytest.raises(PipelineError, match="no rows for resample cv-1-1, part a; run habitat again"):
        nothing.frame("cv-1-1", "a")


def test_ready_made_table():
    table = pd.DataFrame({"patient_id": ["p3", "p1"], "x": [1.0, 2.0], "y": [np.nan, 4.0]})
    frame = table_block(table, name="own", patients=IDS).frame("final", "all")

    assert frame.fillna(-1).to_numpy().tolist() == [[2, 4, 0], [-1, -1, 1], [1, -1, 0]]
    with pytest.raises(PipelineError, match="may not be named 'missing'"):
        table_block(table.rename(columns={"x": "missing"}), name="own", patients=IDS)


def test_clinical_columns():
    patients = pd.DataFrame({"patient_id": IDS, "group_id": IDS, "label": 1, "site": "A", "cohort": "train"})

    assert list(clinical_block(patients.assign(age=5, sex="F")).frame("final", "all").columns) == ["age", "sex"]
    with pytest.raises(PipelineError, match="no clinical column"):
        clinical_block(patients)


@pytest.mark.parametrize(
    ("networks", "used", "match", "parts"),
    [
        ({}, ["clinical"], True, ("all",)),
        ({"net": {"all"}}, ["net"], True, ("all",)),
        ({"net": {"a", "b"}}, ["net"], False, ("a", "b")),
        ({"net": {"a", "b"}}, ["clinical"], True, ("a", "b")),
        ({"net": {"a", "b"}}, ["clinical"], False, ("all",)),
        ({"net": {"a", "b"}, "other": {"all"}}, ["other"], False, ("all",)),
    ],
)
def test_parts_are_matched_if_requested(networks, used, match, parts):
    assert parts_of(networks, used=used, match_parts=match) == parts


def by_patient(*rows):
    table = pd.DataFrame(list(rows), columns=["resample", "part", "patient_id", "net_0000"])
    return deep_block(embeddings_of(table), name="net", cohort=COHORT, splits=SPLITS, patients=IDS)


def test_a_network_of_views_has_one_row_per_patient_and_one_indicator():
    block = by_patient(("final", "a", "p2", 4.0), ("final", "b", "p1", 1.0))
    frame = block.frame("final", "a")

    assert list(frame.columns) == ["net_0000", "missing"]
    assert frame.loc["p2"].tolist() == [4, 0]
    assert frame.loc[["p1", "p3"], "missing"].tolist() == [1, 1]
    assert block.indicators == ("missing",)


def test_a_patient_embedded_by_the_network_of_its_own_half_is_refused():
    with pytest.raises(PipelineError, match=r"part a embeds 1 patients of the half .* first p1"):
        by_patient(("final", "a", "p1", 1.0))
