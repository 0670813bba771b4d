"""Dictionary: every feature of PyRadiomics has a row that defines it."""

import pandas as pd
import pytest
import radiomics

from pipeline.contracts.data.radiomics import DICTIONARY
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import check_table
from pipeline.radiomics.definitions import DEFINITIONS
from pipeline.radiomics.dictionary import NOISE_NOTE, length_unit, radiomics_dictionary
from pipeline.radiomics.presets import preset
from pipeline.radiomics.recipe import preset_recipe, synthetic_lesion

GIVEN = ["original_shape2D_Perimeter", "log-sigma-2-0-mm-3D_firstorder_Mean", "wavelet-LH_glcm_Idn"]


def rows(names, *, length="mm"):
    return radiomics_dictionary(names, version="3.0.1", length=length).set_index("feature")


def test_a_row_by_hand():
    row = rows(GIVEN).loc["log-sigma-2-0-mm-3D_firstorder_Mean"]
    assert row["definition"] == "Mean intensity, of the Laplacian of Gaussian image, sigma 2.0 mm"
    assert (row["family"], row["class"], row["unit"]) == ("firstorder", "firstorder", "grey level")
    assert (row["ibsi_code"], row["source"], row["version"]) == ("Q4LE", "PyRadiomics", "3.0.1")
    assert row["ibsi"] == "not covered"
    assert rows(["original_firstorder_Mean"])["ibsi"].item() == "conforms"


def test_units_are_pixels_if_no_spacing_is_known():
    assert rows(GIVEN, length="px").loc["original_shape2D_Perimeter", "unit"] == "px"
    assert length_unit(pd.Series([None, None], dtype=float)) == "px"
    assert length_unit(pd.Series([0.1, None])) == "mm or px"
    assert length_unit(pd.Series([0.1, 0.2])) == "mm"


def test_table_keeps_its_contract():
    check_table(radiomics_dictionary(GIVEN, version="3.0.1", length="px"), DICTIONARY, place="dictionary")


def test_every_feature_that_pyradiomics_gives_is_defined():
    for kind, features in radiomics.getFeatureClasses().items():
        given = {name for name, is_deprecated in features.getFeatureNames().items() if not is_deprecated}
        assert given <= set(DEFINITIONS[kind])


def test_ibsi_codes_are_four_characters_and_used_once():
    codes = [code for features in DEFINITIONS.values() for _, code, _ in features.values() if code]
    assert all(len(code) == 4 for code in codes)
    assert len(codes) == len(set(codes))


def test_noise_is_flagged_in_a_one_slice_table_only():
    image, _ = synthetic_lesion("one slice")
    table = rows(preset_recipe(preset("paper1357"), first=image).names)
    flagged = table["definition"].str.endswith(NOISE_NOTE)
    assert set(table.loc[flagged, "filter"]) == {"wavelet-LLH", "wavelet-LHH", "wavelet-HLH", "wavelet-HHH"}
    assert not rows(["wavelet-LLH_glcm_Id"])["definition"].str.endswith(NOISE_NOTE).any()


def test_a_foreign_name_is_refused():
    with pytest.raises(TableError, match="'original_glcm_Sparkle' is not a feature"):
        rows(["original_glcm_Sparkle"])
