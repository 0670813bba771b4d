"""findings: the message names the image or the patient, and only these."""

import pytest

from pipeline.cohort.findings import Finding, error, info, warning


@pytest.mark.parametrize("make", [error, warning, info])
@pytest.mark.parametrize(
    ("scope", "message"),
    [("image", "image a: blurred"), ("patient", "patient a: blurred"), ("column", "blurred"), ("cohort", "blurred")],
)
def test_message_is_prefixed_with_the_image_or_patient(make, scope, message):
    found = make("a", scope=scope, check="roi_small", message="blurred")

    assert found == Finding(scope=scope, id="a", check="roi_small", severity=make.__name__, message=message)
