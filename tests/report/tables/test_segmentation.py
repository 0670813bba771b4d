"""tables.segmentation: examples by rule, no image twice, by pseudonym."""

import pandas as pd
import pytest

from pipeline.contracts.reports.regions import SEGMENTATION_EXAMPLES
from pipeline.foundation.tables import check_table
from pipeline.report.tables.segmentation import chosen_examples, main_evaluation, segmentation_example_table


def rows(n):
    return pd.DataFrame(
        {
            "network": "unet",
            "resample": "final",
            "image_id": [f"i{place}" for place in range(n)],
            "evaluation": "internal",
            "dice": [place / 20 for place in range(n)],
            "hd95_px": None,
        }
    ).astype({"hd95_px": "float64"})


def test_best_median_and_worst_by_dice():
    found = chosen_examples(rows(11), by_kind=1)

    assert list(zip(found["kind"], found["image_id"], strict=True)) == [
        ("best", "i10"),
        ("median", "i5"),
        ("worst", "i0"),
    ]


@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_with_few_images_none_is_shown_twice(n):
    found = chosen_examples(rows(n))

    assert len(set(found["image_id"])) == len(found) == n
    assert found["kind"].iloc[0] == "best"


def test_an_image_of_several_resamples_counts_with_its_lowest_dice():
    both = pd.concat([rows(3), rows(3).assign(resample="cv-1-1", dice=[0.9, 0.025, 0.1])])
    found = chosen_examples(both, by_kind=1).set_index("kind")

    assert tuple(found.loc["worst", ["image_id", "dice"]]) == ("i0", 0.0)
    assert tuple(found.loc["best", ["image_id", "dice"]]) == ("i2", 0.1)


def test_held_out_patients_come_before_cross_validation():
    table = pd.DataFrame({"evaluation": ["other_half", "cv", "internal"]})

    assert main_evaluation(table) == "internal"
    assert main_evaluation(table.iloc[:2]) == "cv"
    assert main_evaluation(table.iloc[:1]) == "other_half"


def test_examples_carry_pseudonyms():
    table = segmentation_example_table(chosen_examples(rows(12)), name_of=lambda case: f"image #{str(case)[1:]}")
    check_table(table, SEGMENTATION_EXAMPLES, place="segmentation_examples")

    assert list(table["number"])[:2] == ["1", "2"]
    assert table["case"].str.startswith("image #").all()
    assert len(segmentation_example_table(rows(0), name_of=str)) == 0
