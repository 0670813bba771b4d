"""feature_names: what the name of a column says of it."""

import pytest

from pipeline.plan.feature_names import block_of, column_words, is_component, name_in_part, view_of, without_part


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("clinical.capsular_invasion", "capsular invasion"),
        ("clinical.capsular_invasion_missing", "capsular invasion missing"),
        ("clinical.a_glcm_B", "a glcm B"),
        ("genes.one_two_three", "genes: one two three"),
        ("densenet121.missing@long", "densenet121: no image of view long"),
        ("radiomics.wavelet-LL_glszm_ZoneEntropy@trans", "Zone entropy (glszm, wavelet-LL; trans)"),
        ("habitat.habitat_1_original_glcm_Idm", "habitat: Idm (glcm, original image; habitat 1)"),
        ("densenet121.pc003 (part a)", "densenet121: component 3 (part a)"),
        ("carnet_logit.carnet_logit@long", "carnet_logit: logit of carnet (long)"),
    ],
)
def test_a_column_in_words(column, words):
    assert column_words(column) == words


def test_the_block_and_the_view_of_a_column():
    assert block_of("radiomics.log-sigma-1-0-mm-3D_glcm_Idm@long") == "radiomics"
    assert [view_of("a.b@long"), view_of("a.b")] == ["long", ""]


@pytest.mark.parametrize(("column", "own"), [("net.pc001", True), ("net.pc001@long", True), ("clinical.pc1b", False)])
def test_only_components_differ_between_parts(column, own):
    assert is_component(column) is own
    assert (name_in_part(column, "a") == f"{column} (part a)") is own
    assert name_in_part(column, "all") == column
    assert without_part(name_in_part(column, "b")) == column
