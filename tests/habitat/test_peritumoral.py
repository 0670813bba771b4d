"""Rings of a lesion as features: values by hand, units, the edge of the image."""

import numpy as np
import pytest
from planted_habitats import PARAMS, SMALL

from pipeline.crop.rois import CropParams
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.images import image_from, write_image
from pipeline.habitat.lesions import Lesion
from pipeline.habitat.peritumoral import check_margins, peritumoral_names, ringed
from pipeline.habitat.region import examples, ring_recipe
from pipeline.radiomics.features import RadiomicsParams


def ringed_lesion(folder, *, spacing_mm=(), top=12):
    """A square of 8 x 8 whose grey value is 100 plus ten times the distance (in px) outside, by rows and columns."""
    mask = np.zeros((32, 32), dtype=bool)
    mask[top : top + 8, 12:20] = True
    y, x = np.indices(mask.shape)
    out = np.maximum(np.maximum(top - y, y - top - 7), np.maximum(12 - x, x - 19)).clip(0)
    write_image(image_from((100 + 10 * out).astype(np.uint8), spacing_mm=spacing_mm), folder / "i.nrrd")
    write_image(image_from(mask.astype(np.uint8), spacing_mm=spacing_mm), folder / "m.nrrd")
    about = {"image_id": "i", "patient_id": "p", "status": "ok", "reason": None, "n_voxels": 64}
    return Lesion(image=folder / "i.nrrd", mask=folder / "m.nrrd", spacing_mm=spacing_mm, **about)


def measured(lesion, folder, *, params=PARAMS):
    recipe, names = ring_recipe(RadiomicsParams(settings=SMALL), cases=examples([lesion]))
    store = ContentStore(folder / "store", limit_bytes=10**9)
    row = ringed(lesion, recipe=recipe, names=names, params=params, store=store, code="")
    return dict(zip(peritumoral_names(params, names=names), row["values"], strict=True)), row


def test_the_outer_ring_in_px_by_hand_and_the_flat_inner_one_is_empty(tmp_path):
    found, row = measured(ringed_lesion(tmp_path), tmp_path)
    # 4 sides of 8 voxels at each distance, and of each corner those within 3 px.
    ring = [32 + 4 * corner for corner in (1, 3, 0)]

    assert found["outer_original_firstorder_Mean"] == pytest.approx(100 + 10 * np.average([1, 2, 3], weights=ring))
    assert (found["outer_inside"], found["outer_absent"]) == (1, 0)
    assert (found["inner_inside"], found["inner_absent"]) == (1, 1)
    assert np.isnan(found["inner_original_firstorder_Mean"])
    assert row["reason"].startswith("ring inner: every voxel of the ROI has the same grey level (100")


def test_a_ring_in_mm_is_narrower_in_large_voxels(tmp_path):
    found, _ = measured(ringed_lesion(tmp_path, spacing_mm=(1.5, 1.5)), tmp_path)

    ring = [32 + 4, 32]  # 3 mm are 2 px
    assert found["outer_original_firstorder_Mean"] == pytest.approx(100 + 10 * np.average([1, 2], weights=ring))


def test_a_ring_cut_by_the_edge_is_kept_if_enough_of_it_is_inside(tmp_path):
    lesion = ringed_lesion(tmp_path, top=0)
    cut, row = measured(lesion, tmp_path)
    kept, _ = measured(lesion, tmp_path, params=PARAMS.model_copy(update={"min_inside": 0.5}))

    assert 0.5 < cut["outer_inside"] < 0.8
    assert (cut["outer_absent"], kept["outer_absent"]) == (1, 0)
    assert "of it lie in the image, and min_inside is 80%" in row["reason"]
    assert np.isfinite(kept["outer_original_firstorder_Mean"])


def test_every_spacing_of_the_study_is_checked_against_the_crop(tmp_path):
    coarse, fine = ringed_lesion(tmp_path, spacing_mm=(1.0, 1.0)), ringed_lesion(tmp_path, spacing_mm=(0.1, 0.1))
    crop = CropParams(margin_px=12, margin_mm=None)

    check_margins({"final": [coarse]}, params=PARAMS, crop=crop)
    with pytest.raises(ParamsError, match="reaches 3 mm from the lesion, which needs 30 px"):
        check_margins({"final": [coarse, fine]}, params=PARAMS, crop=crop)
