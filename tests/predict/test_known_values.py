"""What the training patients had: shares, spacings, clinical columns, and how new values are graded."""

import numpy as np
import pandas as pd
import pytest

from pipeline.foundation.errors import PipelineError
from pipeline.predict.known_values import (
    ClinicalColumn,
    KnownValues,
    Shares,
    SpacingRange,
    known_values,
    number_in,
    shares_by_patient,
    text_of,
)

N = 100
IDS = [f"p{number:03d}" for number in range(N)]


def images(**changes):
    columns = {"patient_id": IDS, "view": "long", "dimension": 2, "mask_source": "given", "voxel_type": "integer"}
    columns |= {"spacing_x_mm": 0.1, "spacing_y_mm": 0.1, "spacing_z_mm": np.nan}
    return pd.DataFrame(columns | changes)


def known(facts=None, *, sites=None, clinical=None):
    return known_values(images() if facts is None else facts, sites=sites or dict.fromkeys(IDS, "A"), clinical=clinical)


def test_shares_are_of_patients_not_of_images():
    found = shares_by_patient(pd.Series(["p1", "p1", "p1", "p2"]), ["long", "long", "trans", "long"])

    assert found.shares == {"long": 1.0, "trans": 0.5}


def test_a_value_never_seen_is_outside_and_a_rare_one_unusual():
    found = Shares(shares={"A": 0.96, "B": 0.04, "": 0.05})

    assert [found.severity(value) for value in ("A", "B", "C", "")] == [None, "unusual", "outside", None]


def test_a_study_without_sites_has_none_to_compare():
    assert "site" in known().images
    assert "site" not in known(sites=dict.fromkeys(IDS)).images


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        (0.1, None),
        (0.2, None),
        (0.0995, None),
        (0.22, "unusual"),
        (0.31, "outside"),
        (0.05, "outside"),
        (-1, "outside"),
    ],
)
def test_spacings(value, severity):
    assert SpacingRange(axis="spacing_x_mm", known=0.5, low=0.1, high=0.2).severity(value) == severity


def test_a_spacing_that_is_known_only_here_or_only_in_training():
    never = SpacingRange(axis="spacing_x_mm", known=0.0, low=None, high=None)
    always = SpacingRange(axis="spacing_x_mm", known=1.0, low=0.1, high=0.2)
    mixed = SpacingRange(axis="spacing_x_mm", known=0.5, low=0.1, high=0.2)

    assert (never.severity(0.1), never.severity(np.nan)) == ("outside", None)
    assert (always.severity(np.nan), mixed.severity(np.nan)) == ("outside", None)
    assert [(one.known, one.low) for one in known().spacings] == [(1.0, 0.1), (1.0, 0.1), (0.0, None)]


@pytest.mark.parametrize(
    ("value", "severity"),
    [("20", None), ("80.0", None), ("95", "unusual"), ("111", "outside"), ("-11", "outside"), ("old", "outside")],
)
def test_numbers(value, severity):
    assert ClinicalColumn(name="age", kind="number", low=20.0, high=80.0, missing=0.0).severity(value) == severity


@pytest.mark.parametrize(
    ("missing", "severity"), [(0.0, "outside"), (0.01, "unusual"), (0.04, "unusual"), (0.05, "note")]
)
def test_a_missing_value_is_imputed_and_said(missing, severity):
    assert ClinicalColumn(name="age", kind="number", missing=missing).severity("") == severity


def test_a_code_never_seen_is_outside_though_it_lies_within_the_range():
    codes = known(clinical=pd.DataFrame({"grade": [0.0, 1.0, 2.0, 2.0] * 25}, index=IDS)).clinical[0]
    ages = known(clinical=pd.DataFrame({"age": np.arange(100.0)}, index=IDS)).clinical[0]

    assert [codes.severity(text) for text in ("0", "2.0", "0.5", "3")] == [None, None, "outside", "outside"]
    assert ages.levels == ()
    assert ages.severity("50.5") is None


def test_columns_are_taken_as_the_encoder_takes_them():
    clinical = pd.DataFrame(
        {
            "age": [40, None] * (N // 2),
            "flag": [0, 1] * (N // 2),
            "sex": ["F", " M"] * (N // 2),
            "bool": [True, False] * (N // 2),
            "empty": None,
        },
        index=IDS,
    )

    found = {one.name: one for one in known(clinical=clinical).clinical}
    assert list(found) == ["age", "flag", "sex", "bool"]
    assert (found["age"].kind, found["age"].low, found["age"].missing) == ("number", 40, 0.5)
    assert (found["flag"].severity("1"), found["flag"].severity("2")) == (None, "outside")
    assert (found["sex"].levels, found["bool"].levels) == (("F", "M"), ("False", "True"))
    assert (found["sex"].severity("M"), found["sex"].severity("X")) == (None, "outside")


def test_a_set_without_images_knows_sites_and_clinical_columns_alone():
    found = known_values(None, sites=dict.fromkeys(IDS, "A"), clinical=pd.DataFrame({"age": 1.0}, index=IDS))

    assert (list(found.images), found.views.shares, found.spacings) == (["site"], {}, ())


def test_texts_and_numbers():
    assert [text_of(value) for value in (None, np.nan, pd.NA, " a ", 2)] == ["", "", "", "a", "2"]
    assert np.isnan([number_in("a"), number_in("inf"), number_in("nan")]).all()


def test_the_text_gives_the_same_object_and_an_altered_share_is_refused():
    found = known(clinical=pd.DataFrame({"age": 1.0}, index=IDS))

    assert KnownValues.from_json(found.to_json()) == found
    with pytest.raises(PipelineError, match=r"images.site.*not a fraction above 0"):
        KnownValues.from_json(found.to_json().replace('"A":1.0', '"A":-1.0'))
