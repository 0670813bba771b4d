"""mask_outliers: shared masks, and lesions unlike the others."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.cohort.image_summary import ImageSummary
from pipeline.cohort.mask_outliers import UsedMask, outlier_findings, shared_mask_findings


def used(n, *, patient=None, file=None, voxels=None, pixels=None):
    return UsedMask(
        image_id=f"i{n}",
        patient_id=patient or f"P{n}",
        files=(Path(file or f"masks/m{n}.png"),),
        voxels=voxels or f"v{n}",
        pixels=pixels or f"x{n}",
    )


def found(masks, *, patients=8):
    return [(f.check, f.severity) for f in shared_mask_findings(masks, patients=patients)]


def test_each_image_with_its_own_mask():
    assert found([used(n) for n in range(8)]) == []


def test_one_file_for_most_patients_is_an_error():
    masks = [used(n, file="masks/all.png", voxels="v") for n in range(5)] + [used(n) for n in range(5, 8)]
    (only,) = shared_mask_findings(masks, patients=8)
    assert (only.check, only.severity) == ("mask_of_many", "error")
    assert only.message.startswith("the mask all.png is that of 5 of 8 patients; give each image its own mask")


def test_equal_masks_are_one_warning_that_lists_them_all():
    masks = [used(0, voxels="a"), used(1, voxels="a"), used(2, voxels="b"), used(3, voxels="b"), used(4)]
    (only,) = shared_mask_findings(masks, patients=8)
    assert (only.check, only.severity) == ("mask_repeated", "warning")
    assert "2 masks are the same" in only.message
    assert "images i0 and i1; images i2 and i3; check" in only.message


@pytest.mark.parametrize(
    "masks",
    [
        [used(0, voxels="a", patient="P"), used(1, voxels="a", patient="P")],  # two phases of one patient
        [used(0, voxels="a", pixels="x"), used(1, voxels="a", pixels="x")],  # a duplicate, which has its own finding
    ],
)
def test_equal_masks_that_are_no_finding(masks):
    assert found(masks) == []


def lesions(n=30, **others):
    rng = np.random.default_rng(0)
    drawn = {
        f"i{i:02}": lesion(int(np.exp(rng.normal(7, 0.5))), rng.normal(0.5, 0.05), rng.normal(0.4, 0.03))
        for i in range(n)
    }
    return {**drawn, **others}


def lesion(voxels, x, y):
    return ImageSummary(low=0, high=255, mean=90, deviation=40, lesion_voxels=voxels, centre=(x, y))


def test_lesions_that_resemble_each_other():
    assert outlier_findings(lesions()) == []
    assert outlier_findings(lesions(aside=lesion(1100, 0.65, 0.4))) == []
    assert outlier_findings(lesions(n=5, odd=lesion(9, 0.9, 0.9))) == []  # too few to compare


@pytest.mark.parametrize("odd", [lesion(12, 0.5, 0.4), lesion(90000, 0.5, 0.4), lesion(1100, 0.95, 0.4)])
def test_an_unusual_size_or_position_is_named(odd):
    (only,) = outlier_findings(lesions(odd=odd))
    assert (only.check, only.severity) == ("mask_outliers", "warning")
    assert f"1 lesion is unlike the others in size or position: image odd ({odd.lesion_voxels} voxels" in only.message
