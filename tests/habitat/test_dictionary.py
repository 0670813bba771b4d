"""Every column of habitats and rings has a definition."""

import pytest

from pipeline.foundation.errors import TableError
from pipeline.habitat.arrangement import arrangement_names
from pipeline.habitat.dictionary import block_dictionary


def rows(block, *names):
    return block_dictionary(block, names, version="3.0.1", length="px").set_index("feature")


def test_every_column_of_the_arrangement_is_of_our_own_definition():
    found = rows("habitat", *arrangement_names(3), "habitat_2_absent")

    assert set(found["source"]) == {"own definition"}
    assert found.loc["contact_1_3", "definition"].endswith("that join habitats 1 and 3")
    assert "too small" in found.loc["habitat_2_absent", "definition"]


def test_the_radiomics_of_a_region_are_defined_as_those_of_a_lesion():
    habitat = rows("habitat", "habitat_2_original_glcm_Contrast").iloc[0]
    ring = rows("peritumoral", "outer_rim_wavelet-LL_firstorder_Mean", "outer_rim_inside")

    assert habitat["definition"].endswith("; within habitat 2")
    assert (habitat["class"], habitat["source"]) == ("glcm", "PyRadiomics")
    assert ring["definition"].iloc[0].endswith("; within the ring outer_rim")
    assert ring["filter"].iloc[0] == "wavelet-LL"
    assert ring["definition"].iloc[1] == "fraction of the ring outer_rim that lies inside the image"


def test_an_unknown_column_is_refused():
    with pytest.raises(TableError, match="is not a feature of PyRadiomics"):
        rows("habitat", "habitat_1_original_glcm_Contrasts")
