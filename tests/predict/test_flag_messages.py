"""The flags of single checks: which value, which limit, and one sentence each."""

import numpy as np
import pandas as pd
import pytest

from pipeline.predict.distances import Clouds
from pipeline.predict.fact_limits import FactRange, FactRanges
from pipeline.predict.flag_messages import (
    FACT_WORDS,
    REMEDIES,
    clinical_flags,
    distance_flags,
    fact_flags,
    feature_flags,
    image_flags,
    percent,
    plain,
    spacing_flags,
    view_flags,
)
from pipeline.predict.image_facts import FACTS
from pipeline.predict.known_values import ClinicalColumn, KnownValues, Shares, SpacingRange
from pipeline.predict.limits import Limits
from pipeline.predict.outside_range import BlockRanges

LIMITS = Limits(unusual=1.0, outside=2.0, n=100)
KNOWN = KnownValues(
    images={"site": Shares(shares={"A": 0.97, "B": 0.03})},
    views=Shares(shares={"long": 1.0, "trans": 0.8}),
    spacings=(SpacingRange(axis="spacing_x_mm", known=1.0, low=0.1, high=0.2),),
    clinical=(
        ClinicalColumn(name="age", kind="number", low=20.0, high=80.0, missing=0.02),
        ClinicalColumn(name="sex", kind="category", levels=("F", "M"), missing=0.0),
    ),
)


def brief(flags):
    return [(one.patient_id, one.flag, one.about, one.severity, one.value, one.limit) for one in flags]


def test_distances():
    values = pd.DataFrame({"distance": [0.5, 1.5, np.nan], "prototype_distance": [3.0, 0.0, 0.0]}, index=list("abc"))
    found = list(distance_flags(Clouds(parts=(), limits={"distance": LIMITS, "prototype_distance": LIMITS}), values))

    about = "features of the model"
    assert brief(found) == [
        ("b", "distance", about, "unusual", "1.5", "1"),
        ("a", "prototype_distance", about, "outside", "3", "2"),
    ]
    assert "95 % of held-out training patients have at most 1" in found[0].message


def test_features_outside():
    limits = {"radiomics": Limits(unusual=0.05, outside=0.1, n=100)}
    rows = [("radiomics", "a", 0.31), ("radiomics", "b", 0.02), ("radiomics", "c", np.nan), ("other", "a", 1.0)]
    fractions = pd.DataFrame(rows, columns=["block", "patient_id", "fraction"])

    (one,) = feature_flags(BlockRanges(ranges=(), limits=limits), fractions)
    assert brief([one]) == [("a", "features_outside", "radiomics", "outside", "31 %", "10 %")]
    assert one.message.startswith("31 % of the features of block radiomics lie outside the usual range")


def test_of_each_kind_of_fact_the_farthest_is_reported_with_its_range_in_units():
    ranges = (
        FactRange(view="long", fact="lesion_area_mm2", middle=np.log(100), below=np.log(2), above=np.log(2)),
        FactRange(view="long", fact="crop_grey_mean", middle=100.0, below=10.0, above=10.0),
        FactRange(view="long", fact="contrast", middle=-1.0, below=0.5, above=0.5),
    )
    facts = pd.DataFrame({"image_id": ["a1", "a2"], "patient_id": "a", "view": "long"}).assign(
        lesion_area_mm2=[100.0, 1000.0], crop_grey_mean=[115.0, 100.0], contrast=[1.0, -1.0]
    )

    found = list(fact_flags(FactRanges(ranges=ranges, limits=LIMITS), facts))
    assert brief(found) == [
        ("a", "grey_range", "view long", "outside", "1 SD", "-2 to 0 SD"),
        ("a", "lesion_size", "view long", "outside", "1000 mm²", "25 to 400 mm²"),
    ]
    assert "The area of the lesion (view long) is 1000 mm², outside 25 to 400 mm²" in found[1].message
    assert list(fact_flags(FactRanges(ranges=ranges, limits=None), facts)) == []


def test_every_fact_has_words_and_every_flag_a_remedy():
    assert set(FACT_WORDS) == set(FACTS)
    assert set(REMEDIES) == {"lesion_size", "grey_range", "sharpness"}


def test_the_worst_spacing_of_a_patient():
    facts = pd.DataFrame({"patient_id": ["a", "a", "b", "c"], "spacing_x_mm": [0.21, 0.9, 0.1, np.nan]})

    found = list(spacing_flags(KNOWN, facts))
    assert brief(found) == [
        ("a", "spacing", "x", "outside", "0.9 mm", "0.1 to 0.2 mm"),
        ("c", "spacing", "x", "outside", "unknown", "0.1 to 0.2 mm"),
    ]


def test_sites():
    found = list(image_flags(KNOWN, {"site": pd.Series({"a": "A", "b": "B", "c": "C", "d": None})}))

    assert brief(found) == [
        ("b", "site", "B", "unusual", "B", "A, B"),
        ("c", "site", "C", "outside", "C", "A, B"),
        ("d", "site", "none given", "outside", "", "A, B"),
    ]
    assert "The site is 'C', not among those of training (A, B)" in found[1].message


def test_views_missing_and_unknown():
    facts = pd.DataFrame({"patient_id": ["a", "b", "b"], "view": ["long", "trans", "oblique"]})

    found = list(view_flags(KNOWN, facts, patients=["a", "b", "c"]))
    assert [row[:4] for row in brief(found)] == [
        ("a", "view_missing", "trans", "note"),  # a fifth of the training patients lack it
        ("b", "view_missing", "long", "outside"),  # none lacks it
        ("b", "view_unknown", "oblique", "outside"),
        ("c", "view_missing", "long", "outside"),
        ("c", "view_missing", "trans", "note"),
    ]
    assert "20 % of the training patients lack it too" in found[0].message


def test_clinical_values():
    clinical = pd.DataFrame({"age": [50, 90, 150, None], "sex": ["F", "X", "M", "M"]}, index=list("abcd"))

    found = list(clinical_flags(KNOWN, clinical))
    assert brief(found) == [
        ("b", "clinical_range", "age", "unusual", "90.0", "20 to 80"),
        ("c", "clinical_range", "age", "outside", "150.0", "20 to 80"),
        ("d", "imputed", "age", "unusual", "", "20 to 80"),
        ("b", "clinical_level", "sex", "outside", "X", "F, M"),
    ]
    assert [one.flag for one in clinical_flags(KNOWN, clinical[["age"]].head(1))] == ["imputed"]  # no column sex


@pytest.mark.parametrize(("value", "text"), [(0.123456, "0.1235"), (12345.6, "12346"), (-0.5, "-0.5")])
def test_plain_numbers(value, text):
    assert plain(value) == text


def test_percentages():
    assert [percent(value) for value in (0.0, 0.0234, 0.5)] == ["0.0 %", "2.3 %", "50 %"]
