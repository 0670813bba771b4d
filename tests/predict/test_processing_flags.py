from pathlib import Path

import pandas as pd

from pipeline.cohort.findings import info, warning
from pipeline.predict.processing_flags import processing_flags
from pipeline.predict.raw_features import Features


def flags(*, findings=(), unusable=None, without=None, exempt=None, software=(), patients=("1", "2")):
    features = Features(
        raw={},
        rois=pd.DataFrame(),
        folder=Path(),
        findings=list(findings),
        unusable=unusable or {},
        without_radiomics=without or {},
    )
    owner = {"a": "1", "b": "1", "c": "2"}
    found = processing_flags(features, owner=owner, exempt=exempt or {}, software=software, patients=patients)
    return [(one.patient_id, one.flag, one.about, one.severity) for one in found]


def test_every_warning_of_the_audit_about_an_image_or_a_patient_is_a_flag():
    findings = [
        warning("a", scope="image", check="colour_pixels", message="colour"),
        warning("a", scope="image", check="colour_pixels", message="colour of its mask"),
        warning("2", scope="patient", check="shared_image", message="shared"),
        warning("images", scope="cohort", check="spacing_mixed", message="mixed"),
        info("b", scope="image", check="spacing_unknown", message="unknown"),
    ]

    assert flags(findings=findings) == [
        ("1", "audit_colour_pixels", "a", "unusual"),
        ("2", "audit_shared_image", "2", "unusual"),
    ]


def test_images_left_out_and_without_radiomics_are_flags_of_predicted_patients_alone():
    found = flags(unusable={"b": "cut off", "c": "no mask"}, without={"a": "flat"}, patients=("1",))

    assert found == [("1", "image_excluded", "b", "outside"), ("1", "radiomics_failed", "a", "outside")]


def test_a_site_without_estimates_and_other_software_are_said():
    found = flags(exempt={"2": "not harmonised"}, software=["torch 1 in place of 2"])

    assert found == [
        ("2", "not_harmonised", "site", "outside"),
        ("1", "software", "versions", "unusual"),
        ("2", "software", "versions", "unusual"),
    ]
