"""The light on the two extraction engines: by hand, on either side of the limit, without a ROI."""

import pandas as pd
import pytest

from pipeline.selftest.engine_check import engine_check


def light(*differences):
    rows = [{"image_id": f"i{n % 2}", "feature": f"f{n // 2}", "difference": d} for n, d in enumerate(differences)]
    return engine_check(pd.DataFrame(rows, columns=["image_id", "feature", "difference"]))


@pytest.mark.parametrize(
    ("worst", "colour", "words"),
    [
        (0.0, "green", "On 2 ROIs, 2 features agree."),
        (1e-6, "green", "On 2 ROIs, 2 features agree."),
        (1.1e-6, "red", "On 2 ROIs, 1 features differ, the most f1"),
        (1.0, "red", "the most f1"),
    ],
)
def test_a_feature_that_differs_is_red_and_named(worst, colour, words):
    check = light(1e-9, 0.0, worst, 1e-12)

    assert (check.check, check.light, check.value) == ("engine", colour, max(worst, 1e-9))
    assert words in check.finding


def test_without_an_roi_that_both_extracted_it_is_not_testable():
    check = light()

    assert (check.light, check.value) == ("grey", None)
