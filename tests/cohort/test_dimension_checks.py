"""dimension_checks: 2-D and 3-D images in one cohort."""

from pipeline.cohort.dimension_checks import dimension_findings


def test_images_of_two_kinds_are_one_error_that_lists_both():
    (found,) = dimension_findings([("b", 2), ("c", 3), ("a", 2), *((f"d{n}", 3) for n in range(6))])

    assert (found.scope, found.severity, found.check) == ("cohort", "error", "dimensions_mixed")
    assert found.message.startswith("2 images are 2-D (a, b), 7 images are 3-D (c, d0, d1, d2, d3, …); features of")


def test_images_of_one_kind_are_no_finding():
    assert dimension_findings([("a", 2), ("b", 2)]) == dimension_findings([("a", 3)]) == dimension_findings([]) == []
