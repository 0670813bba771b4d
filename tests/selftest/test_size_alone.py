"""Size alone: sizes by hand, a proxy for size is detected, and a better model is green."""

import numpy as np
import pandas as pd
import pytest
from study import study_predictions

from pipeline.compare.chosen import choose, fold_table
from pipeline.contracts.reports.selftest import SIZE_ALONE
from pipeline.foundation.tables import check_table
from pipeline.plan.comparison import PrimaryParams
from pipeline.predictions.model_scores import ModelScores, model_scores
from pipeline.selftest.size_alone import (
    chosen_models,
    direction,
    lesion_sizes,
    size_checks,
    size_table,
    where_it_counts,
)

IDS = tuple("abcdefgh")
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1], dtype=bool)
SIZES = pd.Series([1.0, 2, 3, 6, 4, 5, 7, 8], index=list(IDS))
TRAINING = pd.Series([0, 1], index=["a", "h"])


def model(scores, name="combined"):
    return ModelScores(
        feature_set=name,
        model="lr",
        evaluation="external",
        ids=IDS,
        labels=LABELS,
        scores=np.array(scores, dtype=float),
        threshold=0.5,
    )


def rois(**columns):
    base = {"patient_id": ["a", "a", "b"], "status": "ok", "n_voxels": [100, 300, 50]}
    spacing = {f"spacing_{axis}_mm": np.nan for axis in "xyz"}
    return pd.DataFrame(base | spacing | columns)


def test_size_is_the_mean_of_a_patients_images():
    assert lesion_sizes(rois()).to_dict() == {"a": 200, "b": 50}


def test_size_is_an_area_if_spacing_is_known():
    known = rois(spacing_x_mm=0.5, spacing_y_mm=[0.5, 0.5, 1.0])
    assert lesion_sizes(known).to_dict() == {"a": 50, "b": 25}
    volume = rois(spacing_x_mm=0.5, spacing_y_mm=0.5, spacing_z_mm=2.0)
    assert lesion_sizes(volume)["b"] == 25

    half_known = rois(spacing_x_mm=[0.5, 0.5, np.nan], spacing_y_mm=0.5)
    assert lesion_sizes(half_known)["b"] == 50


def test_a_failed_roi_has_no_size():
    assert list(lesion_sizes(rois(status=["ok", "ok", "no_roi"])).index) == ["a"]


def checks(scores, *, sizes=SIZES, limit=0.7):
    one = model(scores)
    found = size_checks(sizes, chosen=[one], primary=one, training=TRAINING, limit=limit)
    return {check.check: check for check in found}


def test_a_proxy_for_size_is_amber():
    found = checks(SIZES / 10)

    assert found["size_correlation"].light == "amber"
    assert found["size_correlation"].value == pytest.approx(1)
    assert "combined with lr" in found["size_correlation"].finding


def test_size_that_does_as_well_is_amber_and_a_better_model_green():
    perfect = checks(LABELS + np.array([0.3, 0.1, 0.2, 0, 0.3, 0, 0.1, 0.2]))["size_alone"]

    assert perfect.light == "green"
    assert perfect.value == 14 / 16  # of 16 pairs the sizes 4 and 5 lie below 6
    assert perfect.limit == 1
    assert checks(SIZES / 10)["size_alone"].light == "amber"


def test_small_lesions_may_have_the_event():
    smaller = pd.Series([0, 1], index=["h", "a"])

    assert direction(SIZES, labels=smaller) is False
    assert direction(SIZES, labels=pd.Series([0, 0], index=["a", "b"])) is True


def test_without_sizes_it_is_not_checked():
    found = checks(SIZES / 10, sizes=SIZES.iloc[:0])

    assert {check.light for check in found.values()} == {"grey"}


def test_constant_scores_are_not_a_proxy_for_size():
    assert checks([0.5] * 8)["size_correlation"].light == "grey"


def test_table_of_every_model_by_hand():
    scores = LABELS + np.array([0.3, 0.1, 0.2, 0, 0.3, 0, 0.1, 0.2])
    table = size_table(SIZES, chosen=[model(scores), model([0.5] * 8, "flat")], training=TRAINING)

    check_table(table, SIZE_ALONE, place="sizes")
    assert list(table["n"]) == [8, 8]
    assert list(table["size_auc"]) == [14 / 16, 14 / 16]
    assert list(table["model_auc"]) == [1, 0.5]
    assert table["correlation"].isna().tolist() == [False, True]


def test_patients_without_a_size_are_excluded_from_both():
    alone = SIZES.drop("d")  # the patient whose size 6 lies above two events
    found = size_table(alone, chosen=[model(SIZES / 10)], training=TRAINING).iloc[0]

    assert (found["n"], found["size_auc"], found["model_auc"]) == (7, 1, 1)


@pytest.mark.parametrize(("evaluation", "expected"), [("internal", "internal"), (None, "external")])
def test_models_are_tried_where_the_primary_comparison_is(evaluation, expected):
    predictions = pd.concat(study_predictions().values(), ignore_index=True)
    models = model_scores(predictions, place="p")
    named = {"feature_set": "combined", "comparator": "clinical", "evaluation": evaluation}
    primary = PrimaryParams.model_validate(named) if evaluation else None
    chosen = choose(fold_table(predictions), models, primary=primary)
    all_chosen = chosen_models(models, chosen=chosen)
    own, first = where_it_counts(all_chosen, chosen=chosen)

    assert {model.evaluation for model in all_chosen} == {"cv", "internal", "external"}
    assert {model.evaluation for model in own} == {expected}
    assert len(own) == len(chosen)
    assert (first.feature_set if first else None) == ("combined" if evaluation else None)
