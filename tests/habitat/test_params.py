"""`params/habitat.yaml`: what is refused, in one sentence."""

import pytest
from places import ROOT
from ruamel.yaml import YAML

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params, read_yaml
from pipeline.habitat.params import HabitatParams

SHIPPED = ROOT / "params" / "habitat.yaml"


def test_the_candidates_are_all_numbers_or_the_given_one():
    shipped = load_params(SHIPPED, HabitatParams)

    assert shipped.candidates == (2, 3, 4, 5, 6)
    assert shipped.model_copy(update={"k": 4}).candidates == (4,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 7}, "'k'"),
        ({"k": "some"}, "'k'"),
        ({"voxels": {"window_px": [4], "entropy_bins": 8}}, "a window needs a centre: use the odd sides"),
        ({"voxels": {"window_px": [7, 3], "entropy_bins": 8}}, "name each side once, the smallest first"),
        ({"radiomics": {"featureClass": {"shape2D": None}}}, "remove shape2D from featureClass"),
        ({"radiomics": {"imageType": {"Original": {}}}}, "name the classes in featureClass"),
        ({"rings": [{"name": "Outer 3", "inner": 0, "outer": 3}]}, "use only the letters a-z, digits and _"),
        ({"rings": [{"name": "out", "inner": 3, "outer": 3}]}, r"inner \(3\) must be below outer \(3\)"),
        ({"rings": [{"name": "out", "inner": 0, "outer": 3}] * 2}, "each needs a name of its own"),
    ],
)
def test_what_cannot_be_meant_is_refused(change, message, tmp_path):
    with (tmp_path / "habitat.yaml").open("w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(read_yaml(SHIPPED) | change, stream)

    with pytest.raises(ParamsError, match=message):
        load_params(tmp_path / "habitat.yaml", HabitatParams)
