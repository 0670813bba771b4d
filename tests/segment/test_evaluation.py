"""The metrics of one image and their table."""

import numpy as np
import pytest

from pipeline.contracts.reports.segment import COUNTS, METRICS, PARITY_METRICS, SEGMENTATION
from pipeline.foundation.errors import ImageError
from pipeline.foundation.tables import check_table, read_table, write_table
from pipeline.segment.evaluation import image_metrics, segmentation_table

ROW = {
    "network": "unet",
    "resample": "final",
    "patient_id": "007",
    "evaluation": "internal",
    "part": "all",
    "mask_source": "given",
    "status": "ok",
    "reason": "",
}


def square(first, last, *, size=20):
    mask = np.zeros((size, size), dtype=np.uint8)
    mask[first:last, first:last] = 1
    return mask


def test_metrics_by_hand():
    found = image_metrics(square(4, 9), square(4, 8), spacing_mm=(0.5, 0.5), parity=False)

    assert found["dice"] == pytest.approx(32 / 41)
    assert (found["iou"], found["precision"], found["sensitivity"]) == (16 / 25, 16 / 25, 1)
    assert found["area_bias"] == 9 / 16
    assert [found[name] for name in COUNTS] == [16, 25, 16]
    assert found["hd95_mm"] == found["hd95_px"] / 2
    # Of the 16 px of the larger outline 7 are shared, 8 are 1 px away and the corner is 2 ** 0.5: rank 14.25 of 0 … 15.
    assert found["hd95_px"] == pytest.approx(1 + 0.25 * (2**0.5 - 1))
    assert found["parity"] == 0
    assert set(found) == {*COUNTS, *METRICS, "parity"}


def test_anisotropic_spacing_is_in_the_order_of_the_axes():
    a, b = np.zeros((9, 9)), np.zeros((9, 9))
    a[2, 2], b[2, 5] = 1, 1  # 3 px apart along x

    found = image_metrics(a, b, spacing_mm=(10, 0.1), parity=False)

    assert found["hd95_px"] == 3
    assert found["hd95_mm"] == pytest.approx(0.3)
    assert np.isnan(image_metrics(a, b, spacing_mm=None, parity=False)["assd_mm"])


def test_empty_masks_and_masks_that_do_not_exist():
    nothing = np.zeros((20, 20))
    missed = image_metrics(nothing, square(4, 8), spacing_mm=None, parity=False)
    both = image_metrics(nothing, nothing, spacing_mm=(2, 2), parity=False)
    failed = image_metrics(None, square(4, 8), spacing_mm=None, parity=False)
    predicted = image_metrics(square(4, 8), None, spacing_mm=None, parity=False)

    assert (missed["dice"], missed["sensitivity"], missed["area_bias"]) == (0, 0, -1)
    assert np.isnan(missed["hd95_px"])
    assert (both["dice"], both["hd95_mm"]) == (1, 0)
    assert np.isnan(both["precision"])
    assert np.isnan([failed["dice"], failed["predicted_voxels"], predicted["dice"], predicted["given_voxels"]]).all()
    assert failed["given_voxels"] == predicted["predicted_voxels"] == 16


def test_one_voxel_of_a_volume():
    one = np.zeros((3, 5, 5))
    one[0, 0, 0] = 1
    found = image_metrics(one, one, spacing_mm=(3, 1, 1), parity=False)

    assert (found["dice"], found["hd95_mm"], found["assd_px"]) == (1, 0, 0)


def test_published_faults_are_reproduced_at_224_px():
    # At 224 px, a mask of 112 px is doubled: a square of 50 px has 100 x 100 px.
    inside, far = square(20, 70, size=112), square(80, 90, size=112)
    right = image_metrics(inside, inside, spacing_mm=None, parity=True)
    wrong = image_metrics(far, inside, spacing_mm=None, parity=True)
    nothing = image_metrics(0 * inside, inside, spacing_mm=None, parity=True)
    area, all_px = 100**2, 224**2

    assert [right[name] for name in PARITY_METRICS] == [1, 1, 1, 1, 1, 1, 0]
    assert wrong["precision_parity"] == 1 / (1 + 20**2)  # no hit counts as one
    assert wrong["iou_parity"] == 1 / (1 + 20**2 + area)
    assert wrong["auc_parity"] == pytest.approx((0 + (1 - 20**2 / (all_px - area))) / 2)
    assert nothing["sensitivity_parity"] == 1 / (1 + area)
    # From (40, 40) … (139, 139) to the pixel (0, 0), which was put there.
    distances = np.hypot(*np.mgrid[40:140, 40:140])
    assert nothing["hd95_all_foreground_parity"] == pytest.approx(np.percentile(distances, 95))
    assert (nothing["dice"], wrong["dice"], wrong["parity"]) == (0, 0, 1)
    with pytest.raises(ImageError, match="parity: false"):
        image_metrics(inside[None], inside[None], spacing_mm=None, parity=True)


@pytest.mark.parametrize("parity", [False, True])
def test_table_keeps_its_contract(tmp_path, parity):
    masks = {"b": square(4, 9), "a": square(3, 8), "none": None}
    rows = [
        {**ROW, "image_id": name, **image_metrics(mask, square(4, 8), spacing_mm=None, parity=parity)}
        for name, mask in masks.items()
    ]
    table = segmentation_table(rows)
    write_table(table, tmp_path / "segmentation.csv", SEGMENTATION)
    again = read_table(tmp_path / "segmentation.csv", SEGMENTATION)

    assert list(again["image_id"]) == ["a", "b", "none"]
    assert list(again["patient_id"]) == ["007"] * 3
    assert ("auc_parity" in again) == parity
    assert ",16," in (tmp_path / "segmentation.csv").read_text()  # a count, not 16.0
    check_table(segmentation_table([]), SEGMENTATION, place="no rows")
