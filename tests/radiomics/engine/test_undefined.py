"""undefined: which features a ROI does not define; names that do not exist."""

import pytest

from pipeline.radiomics.engine.undefined import FLAT, UNDEFINED, check_names, undefined_of


def test_each_condition_names_its_features():
    assert {"Skewness", "Kurtosis"} == FLAT
    assert undefined_of("glcm", n_levels=1) == {"Correlation", "Imc1", "Imc2", "MCC"}
    assert undefined_of("glcm", n_levels=2) == set()
    assert undefined_of("ngtdm", n_levels=2, coarseness=1e6) == {"Coarseness", "Strength"}
    assert undefined_of("ngtdm", n_levels=1, coarseness=1e6) == {"Coarseness", "Strength", "Contrast", "Busyness"}
    assert undefined_of("gldm", n_levels=1) == set()


def test_each_feature_has_one_constant():
    assert len({(row.feature_class, row.feature) for row in UNDEFINED}) == len(UNDEFINED)


def test_unknown_names_are_refused_with_the_known_ones():
    check_names("glcm", ["Id"], known=("Id", "Idm"))
    with pytest.raises(ValueError, match="glcm has no feature Idx; it must be one of Id, Idm; correct featureClass"):
        check_names("glcm", ["Idx"], known=("Id", "Idm"))
