"""What the radiomics are for: whether a set uses them, and whether the lesions have outlines."""

import pandas as pd
import pytest

from pipeline.foundation.errors import ParamsError
from pipeline.plan.feature_sets import FusionParams
from pipeline.plan.radiomics_use import RadiomicsUse, has_outlines, is_shape, radiomics_use, read_radiomics_use

ROIS = pd.DataFrame({"n_voxels": [64, 80], "width_px": 8, "height_px": [8, 10], "depth_px": 1, "status": "ok"})


def use(*blocks, sources=("a.png", None)):
    cohort = pd.DataFrame({"mask_source": pd.Series(sources, dtype="str")})
    return radiomics_use(FusionParams.model_validate({"sets": {"one": blocks}, "match_parts": True}), cohort=cohort)


def test_the_sets_decide_whether_radiomics_are_used():
    assert use("clinical", "radiomics").used
    assert not use("clinical", "carnet").used
    assert use("radiomics_predicted").predicted
    assert not use("radiomics").predicted


def test_masks_that_fill_their_images_are_no_outlines():
    assert not use("radiomics", sources=["full", "full"]).outlines
    assert use("radiomics", sources=["full", "a.png"]).outlines
    assert use("radiomics", sources=[None, None]).outlines  # to be predicted
    assert has_outlines(ROIS.assign(n_voxels=[64, 79]))
    assert not has_outlines(ROIS.assign(n_voxels=[64, 79], status=["ok", "no_roi"]))


def test_shape_is_known_by_its_class():
    shape = ["original_shape2D_Sphericity@long", "original_shape_Flatness"]
    other = ["original_firstorder_Energy@long", "missing@long", "missing", "shape_index"]

    assert [is_shape(name) for name in [*shape, *other]] == [True, True, False, False, False, False]


def test_the_file_is_read_as_it_is_written(tmp_path):
    path = tmp_path / "radiomics.json"
    path.write_text('{"outlines": false, "used": true}\n', encoding="utf-8")

    assert read_radiomics_use(path) == RadiomicsUse(used=True, outlines=False)
    with pytest.raises(ParamsError, match="no such params file"):
        read_radiomics_use(tmp_path / "absent.json")
