"""The light on ROIs without features: by hand, at the limit, without ROIs."""

import pandas as pd
import pytest

from pipeline.selftest.extraction import extraction_check


def light(*, failed, n=100, without=0):
    ids = [f"i{number}" for number in range(n + without)]
    rois = pd.DataFrame({"image_id": ids, "status": ["ok"] * n + ["no_roi"] * without})
    status = ["extraction_failed"] * failed + ["ok"] * (n - failed) + ["no_roi"] * without
    return extraction_check(rois, pd.DataFrame({"image_id": ids, "status": status}).sample(frac=1, random_state=1))


@pytest.mark.parametrize(("failed", "colour"), [(0, "green"), (1, "green"), (5, "green"), (6, "amber"), (100, "amber")])
def test_more_than_one_in_twenty_is_amber(failed, colour):
    check = light(failed=failed, without=40)

    assert (check.check, check.light, check.value, check.limit) == ("extraction", colour, failed / 100, 0.05)


def test_an_roi_without_a_row_has_no_features():
    rois = pd.DataFrame({"image_id": ["a", "b"], "status": ["ok", "ok"]})

    assert extraction_check(rois, pd.DataFrame({"image_id": ["a"], "status": ["ok"]})).value == 0.5


def test_without_rois_it_is_not_testable():
    check = light(failed=0, n=0, without=3)

    assert (check.light, check.value) == ("grey", None)
