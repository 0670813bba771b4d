"""Inputs of the self-tests: the parameters, and which blocks are tested."""

import pytest
from places import ROOT

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params
from pipeline.plan.feature_sets import FusionParams
from pipeline.selftest.inputs import SelftestParams, _blocks_to_try

PARAMS = load_params(ROOT / "params" / "selftest.yaml", SelftestParams)


def test_networks_are_excluded_from_the_set_under_test():
    fusion = FusionParams.model_validate(
        {"sets": {"deep": ["net", "net_logit"], "all": ["clinical", "radiomics", "net_logit"]}, "match_parts": True}
    )

    def tried(name):
        params = PARAMS.model_copy(update={"feature_set": name})
        return _blocks_to_try(params, fusion=fusion, nets=("net",), place="params/fusion.yaml")

    assert tried("all") == ("clinical", "radiomics")
    with pytest.raises(ParamsError, match="names deep, which has networks only"):
        tried("deep")
    with pytest.raises(ParamsError, match=r"names none, which is not in params/fusion\.yaml; the sets are deep, all"):
        tried("none")


def test_fewer_than_twenty_shuffles_are_refused(tmp_path):
    path = tmp_path / "selftest.yaml"
    path.write_text(
        (ROOT / "params" / "selftest.yaml").read_text(encoding="utf-8").replace("shuffles: 20 ", "shuffles: 19 ")
    )
    with pytest.raises(ParamsError, match=r"key .shuffles. has the value 19: .*greater than or equal to 20"):
        load_params(path, SelftestParams)


def test_the_budget_of_the_controls_may_be_none_and_not_negative(tmp_path):
    text = (ROOT / "params" / "selftest.yaml").read_text(encoding="utf-8")
    path = tmp_path / "selftest.yaml"
    path.write_text(text.replace("control_voxels: 12000000", "control_voxels: null"))

    assert load_params(path, SelftestParams).control_voxels is None
    path.write_text(text.replace("control_voxels: 12000000", "control_voxels: -1"))
    with pytest.raises(ParamsError, match=r"key .control_voxels. has the value -1"):
        load_params(path, SelftestParams)
