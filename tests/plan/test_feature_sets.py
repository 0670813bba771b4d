"""The feature sets: names, empty sets, repeated blocks."""

import pytest
from places import ROOT

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params
from pipeline.plan.feature_sets import FusionParams

SHIPPED = ROOT / "params" / "fusion.yaml"


def test_shipped_file_holds_the_six_sets():
    params = load_params(SHIPPED, FusionParams)

    assert params.sets["combined"] == ("clinical", "radiomics", "densenet121")
    assert params.blocks == ["carnet", "clinical", "densenet121", "radiomics"]


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ("{}", "key 'sets'"),
        ("{fusion: []}", "set 'fusion' is empty"),
        ("{fusion: [radiomics, radiomics]}", "names a block twice"),
        ("{Fusion: [radiomics]}", "'Fusion' in set 'Fusion' is not a name"),
        ("{fusion: [../radiomics]}", "'../radiomics' in set 'fusion' is not a name"),
    ],
)
def test_wrong_sets_are_one_sentence(tmp_path, sets, message):
    path = tmp_path / "fusion.yaml"
    path.write_text(f"sets: {sets}\nmatch_parts: true\n", encoding="utf-8")

    with pytest.raises(ParamsError) as caught:
        load_params(path, FusionParams)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
