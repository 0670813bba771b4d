"""The page of a patient: flags first, every text escaped, nothing from elsewhere, a page without prediction."""

import re
from dataclasses import replace

import pytest

from pipeline.predict.flag_messages import Flag
from pipeline.predict.patient_page import (
    ClinicalValue,
    ModelFacts,
    PatientPage,
    Picture,
    Prediction,
    headline,
    patient_page,
)

HOSTILE = "<script>alert(1)</script>"
MODEL = ModelFacts(
    feature_set="combined",
    classifier="extratrees",
    n_patients=105,
    n_events=32,
    evaluation="external",
    auc=0.78125,
    auc_low=0.6,
    auc_high=0.9,
    n_evaluated=40,
    versions={"numpy": "2.0"},
    bundle_sha256="ab" * 32,
)
SEEN = Prediction(probability=0.412, low=0.25, high=0.61, threshold=0.3, is_event=True)


def flag(severity, message="Check this."):
    return Flag(patient_id="p1", flag="site", about="C", severity=severity, value="C", limit="A, B", message=message)


def page(**changes):
    return replace(PatientPage(patient_id="p1", event="malignancy", prediction=SEEN, model=MODEL), **changes)


def test_the_flags_stand_before_the_probability_the_severest_first():
    html = patient_page(page(flags=(flag("note", "Third."), flag("unusual", "Second."), flag("outside", "First."))))

    places = [html.index(text) for text in ("not for diagnosis", "3 flags", "First.", "Second.", "Third.", "41.2")]
    assert places == sorted(places)
    assert all(word in html for word in ("<b>Outside</b>", "<b>Unusual</b>", "<b>Note</b>", "■", "▲", "○"))
    assert "lies outside\n" in html or "lies outside of what the model was trained on" in html


def test_a_patient_without_flags_is_said_to_have_none():
    html = patient_page(page())

    assert "No flag: no check found" in html
    assert "lies outside of what" not in html


def test_numbers_of_the_prediction_and_the_model():
    html = patient_page(page()).replace("\N{NO-BREAK SPACE}", " ")

    assert "Probability of malignancy: 41.2 %" in html
    assert "95 % interval 25.0 % to 61.0 %" in html
    assert "frozen threshold of 30.0 % the class is <b>with malignancy</b>" in html
    assert 'cx="209.5"' in html  # 20 + 460 * 0.412
    assert "105 patients, 32 of them with malignancy" in html
    assert "AUC 0.781 (95 % interval 0.600 to 0.900)" in html
    assert "ab" * 32 in html
    assert "the class is <b>without malignancy</b>" in patient_page(
        page(prediction=replace(SEEN, threshold=0.5, is_event=False))
    ).replace("\N{NO-BREAK SPACE}", " ")


def test_a_patient_without_prediction_has_a_page_with_the_reason():
    html = patient_page(page(prediction=None, reason="The mask of image p1_long marks no voxel."))

    assert "No prediction" in html
    assert "marks no voxel." in html
    assert "Not checked" in html
    assert "No flag" not in html
    assert "<svg" not in html


def test_hostile_texts_are_escaped_everywhere():
    html = patient_page(
        page(
            patient_id=HOSTILE,
            event=HOSTILE,
            flags=(flag("outside", HOSTILE),),
            pictures=(Picture(caption=HOSTILE + '"', png=b"x"),),
            waterfall=b"<svg></svg>",
            clinical=(ClinicalValue(name=HOSTILE, value=HOSTILE),),
            model=replace(MODEL, feature_set=HOSTILE, versions={HOSTILE: HOSTILE}),
        )
    )

    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 10
    assert 'alt="&lt;script&gt;alert(1)&lt;/script&gt;&#34;"' in html


def test_nothing_is_loaded_from_elsewhere():
    html = patient_page(page(pictures=(Picture(caption="long", png=b"png"),), waterfall=b"<svg/>"))

    assert "data:image/png;base64,cG5n" in html
    assert "data:image/svg+xml;base64,PHN2Zy8+" in html
    assert not re.search(r"https?:|<link|<script|url\(|@import", html)


def test_imputed_values_are_marked():
    html = patient_page(
        page(
            clinical=(
                ClinicalValue(name="age", value="48"),
                ClinicalValue(name="size", value="12", is_imputed=True),
            )
        )
    )

    assert re.search(r"size</th><td>12 <em>\(missing; imputed", html)
    assert re.search(r"age</th><td>48</td>", html)


@pytest.mark.parametrize(
    ("flags", "checked", "expected"),
    [
        ([flag("outside"), flag("note"), flag("note")], True, "3 flags: 1 outside, 2 note"),
        ([flag("unusual")], True, "1 flag: 1 unusual"),
        ([flag("unusual")], False, "1 flag: 1 unusual"),
        ([], False, "Not checked: there are no features to compare with those of the training patients"),
    ],
)
def test_headlines(flags, checked, expected):
    assert headline(flags, checked=checked) == expected


@pytest.mark.parametrize(
    "change", [{"probability": 0.7}, {"low": -0.1}, {"high": 1.1}, {"threshold": 1.5}, {"probability": float("nan")}]
)
def test_impossible_probabilities_are_refused(change):
    with pytest.raises(ValueError, match="p1: probability, interval and threshold"):
        patient_page(page(prediction=replace(SEEN, **change)))
