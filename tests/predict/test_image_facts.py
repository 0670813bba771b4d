"""Facts of an image: by hand, in 2-D and 3-D, with and without spacing, and files that do not fit."""

import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import image_from, write_image
from pipeline.predict.image_facts import FACTS, KEYS, coarseness, facts_of, image_facts, sharpness

UNKNOWN = (np.nan, np.nan, np.nan)


def facts(grey, marked, *, spacing_mm=UNKNOWN):
    return facts_of(image_from(grey), marked, spacing_mm=spacing_mm, place="x")


def square(shape=(20, 20), side=10):
    marked = np.zeros(shape, dtype=bool)
    marked[..., :side, :side] = True
    return marked


def test_size_in_2d_and_3d():
    flat = facts(np.arange(400, dtype=np.uint8).reshape(20, 20), square(), spacing_mm=(0.5, 0.2, np.nan))
    deep = facts(np.zeros((3, 20, 20), np.float32) + np.arange(20), square((3, 20, 20)), spacing_mm=(0.5, 0.2, 3.0))
    unknown = facts(np.zeros((20, 20), np.uint8), square())

    assert (flat["dimension"], flat["lesion_voxels"], flat["lesion_area_mm2"]) == (2, 100, pytest.approx(10))
    assert (deep["dimension"], deep["lesion_voxels"], deep["lesion_volume_mm3"]) == (3, 300, pytest.approx(90))
    assert np.isnan([flat["lesion_volume_mm3"], deep["lesion_area_mm2"], unknown["lesion_area_mm2"]]).all()
    assert (flat["voxel_type"], deep["voxel_type"]) == ("integer", "float")


def test_grey_levels_inside_and_around():
    found = facts(np.where(square(), 40, 120).astype(np.uint8), square())

    assert (found["lesion_grey_mean"], found["lesion_grey_sd"]) == (40, 0)
    assert (found["crop_grey_mean"], found["crop_grey_p01"], found["crop_grey_p99"]) == (100, 40, 120)
    assert found["contrast"] == pytest.approx(-80 / np.sqrt(0.25 * 0.75 * 80**2))


def test_a_mask_of_the_whole_crop_and_a_flat_image_have_no_contrast():
    assert np.isnan(facts(np.arange(16, dtype=np.uint8).reshape(4, 4), np.ones((4, 4), bool))["contrast"])
    flat = facts(np.full((20, 20), 7, np.uint8), square())
    assert np.isnan([flat["contrast"], flat["sharpness"], flat["coarseness"]]).all()


def test_sharpness_and_coarseness_of_voxels_without_order_and_of_a_step():
    random = np.random.default_rng(0).normal(size=(200, 200))
    step = np.repeat([[0.0] * 100 + [1.0] * 100], 200, axis=0)

    assert sharpness(random) == pytest.approx(np.sqrt(2), abs=0.02)
    assert coarseness(random) == pytest.approx(0.25, abs=0.02)
    assert sharpness(step) == pytest.approx(np.sqrt(200 / (2 * 200 * 199)) / 0.5)
    assert coarseness(step) == pytest.approx(1)
    assert sharpness(5 - 3 * random) == pytest.approx(sharpness(random))  # whatever the grey scale
    assert np.isnan(coarseness(random[:7]))


def rois(folder, **changes):
    """Two images; the second failed in crop."""
    write_image(image_from(np.arange(400, dtype=np.uint8).reshape(20, 20)), folder / "i.nrrd")
    write_image(image_from(square().astype(np.uint8)), folder / "m.nrrd")
    row = {"image_id": "b_1", "patient_id": "b", "view": "long", "image": "i.nrrd", "mask": "m.nrrd", "status": "ok"}
    row |= dict.fromkeys(("spacing_x_mm", "spacing_y_mm", "spacing_z_mm")) | {"mask_source": "given"} | changes
    return pd.DataFrame([row, row | {"image_id": "a_1", "image": None, "mask": None, "status": "no_roi"}])


def test_one_row_per_usable_image(tmp_path):
    found = image_facts(rois(tmp_path), folder=tmp_path, sites={"b_1": "A"})

    assert list(found.columns) == [*KEYS, *FACTS]
    assert found[["image_id", "site", "mask_source", "dimension"]].to_numpy().tolist() == [["b_1", "A", "given", 2]]
    assert image_facts(rois(tmp_path), folder=tmp_path)["site"].isna().all()


def test_a_mask_of_the_whole_crop_is_full_and_a_predicted_one_predicted(tmp_path):
    table = rois(tmp_path, mask_source="predicted")

    assert image_facts(table, folder=tmp_path)["mask_source"].to_list() == ["predicted"]
    write_image(image_from(np.ones((20, 20), np.uint8)), tmp_path / "m.nrrd")
    assert image_facts(table, folder=tmp_path)["mask_source"].to_list() == ["full"]


def test_no_usable_image_gives_an_empty_table(tmp_path):
    found = image_facts(rois(tmp_path).tail(1), folder=tmp_path)

    assert found.empty
    assert list(found.columns) == [*KEYS, *FACTS]


@pytest.mark.parametrize(
    ("grey", "marked"),
    [
        (np.zeros((4, 5)), np.ones((4, 4), bool)),
        (np.zeros((4, 4)), np.zeros((4, 4), bool)),
        (np.full((4, 4), np.inf), np.ones((4, 4), bool)),
    ],
)
def test_files_that_do_not_fit_are_refused(grey, marked):
    with pytest.raises(ImageError, match=r"x: the crop of .*; crop the image again"):
        facts(grey, marked)
