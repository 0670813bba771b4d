"""grey_ranges: cohorts in which one image is on another scale or has another zero."""

import pytest

from pipeline.cohort.grey_ranges import grey_findings
from pipeline.cohort.image_summary import ImageSummary


def image(mean, deviation, low, high):
    return ImageSummary(low=low, high=high, mean=mean, deviation=deviation)


def ultrasound(n=30):  # gains of three sites
    gains = (0.7, 1, 1.4)
    return {f"P{i:02}": image(gains[i % 3] * 60 + i % 5, gains[i % 3] * 40, 0, 255) for i in range(n)}


def tomography(n=12, *, cut=0):
    return {f"C{i:02}": image(-600 + 30 * i, 420 + 5 * i, -1024 if i >= cut else -100, 1500) for i in range(n)}


def checks(cohort, **others):
    return [(f.check, f.severity) for f in grey_findings({**cohort, **others})]


@pytest.mark.parametrize("cohort", [{}, ultrasound(), tomography(), ultrasound(2)])
def test_sound_cohorts(cohort):
    assert grey_findings(cohort) == []


@pytest.mark.parametrize(
    ("cohort", "odd", "check", "text"),
    [
        (ultrasound(), image(28059, 9000, 0, 65535), "grey_scale_mixed", "image odd (mean 28059, 0 to 65535)"),
        (tomography(), image(-0.4, 0.45, -1.024, 1.5), "grey_scale_mixed", "image odd (mean -0.4, -1.024 to 1.5)"),
        (tomography(), image(450, 440, 0, 2524), "grey_zero_mixed", "image odd (mean 450, 0 to 2524)"),
        (tomography(), image(-1500, 440, -2048, 500), "grey_zero_mixed", "image odd (mean -1500, -2048 to 500)"),
        (ultrasound(), image(230, 30, 0, 255), "grey_zero_mixed", "image odd (mean 230, 0 to 255)"),
    ],
)
def test_one_image_that_does_not_belong_to_the_others(cohort, odd, check, text):
    (only, *more) = grey_findings({**cohort, "odd": odd})

    assert (only.check, only.severity) == (check, "warning")
    assert text in only.message
    assert {finding.check for finding in more} <= {"grey_range_narrow"}


def test_two_kinds_of_image_in_equal_numbers_are_one_finding():
    eight, sixteen = ultrasound(6), {f"S{i}": image(20000 + i, 9000, 0, 65535) for i in range(6)}
    (only,) = grey_findings({**eight, **sixteen})
    assert only.message.startswith("6 images are on another grey scale than the other 6")


def test_half_of_the_volumes_without_their_offset():
    offset = {f"S{i}": image(420, 430, 0, 2500) for i in range(5)}
    (only,) = grey_findings({**tomography(6), **offset})
    assert "the grey values of 5 images are shifted against the others: image S0" in only.message


def test_a_volume_cropped_to_tissue_has_no_air_and_is_no_finding():
    cropped = image(40, 400, -150, 900)
    assert checks(tomography(), cropped=cropped) == []


def test_fractions_are_named_once_with_the_consequence():
    (only,) = grey_findings({f"P{i}": image(0.4, 0.2, 0, 1) for i in range(8)})
    assert only.check == "grey_range_narrow"
    assert "8 images are within a range of less than 2 grey levels: image P0" in only.message
    assert "and 3 more" in only.message
    assert "binCount" in only.message
