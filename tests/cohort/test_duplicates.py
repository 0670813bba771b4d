"""duplicates: groups and findings derived by hand."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.cohort.duplicates import HashedImage, connected_groups, duplicate_findings, patient_links, repeated


def image(image_id, patient_id, pixels, mask="m"):
    return HashedImage(image_id=image_id, patient_id=patient_id, pixels=pixels, mask=mask)


def table(**labels_and_cohorts):
    rows = [{"patient_id": p, "label": label, "cohort": cohort} for p, (label, cohort) in labels_and_cohorts.items()]
    return pd.DataFrame(rows)


def checks(images, patients):
    return {f.check: f for f in duplicate_findings(repeated(images), patients=patients)}


def test_a_chain_of_shared_images_is_one_group():
    groups = connected_groups(["a", "b", "c", "d"], links=[("c", "b"), ("b", "a")])
    assert groups == {"a": "a", "b": "a", "c": "a", "d": "d"}


ids = st.sampled_from("abcdefgh")


@given(st.lists(st.tuples(ids, ids)))
def test_groups_do_not_depend_on_the_order_of_links(links):
    groups = connected_groups("abcdefgh", links=links)
    assert groups == connected_groups("hgfedcba", links=[(b, a) for a, b in reversed(links)])
    assert all(groups[a] == groups[b] for a, b in links)
    assert all(groups[group] == group <= patient for patient, group in groups.items())


def test_links_are_between_different_patients_only():
    repeats = repeated([image("1", "a", "x"), image("2", "a", "x"), image("3", "b", "y"), image("4", "c", "y")])
    assert patient_links(repeats) == [("b", "c")]


def test_unique_images_have_no_finding():
    assert checks([image("1", "a", "x"), image("2", "b", "y")], table(a=(0, "train"), b=(1, "train"))) == {}


def test_within_one_patient_is_a_warning_that_compares_the_masks():
    same = checks([image("1", "a", "x"), image("2", "a", "x")], table(a=(0, None)))["duplicate_within_patient"]
    other = checks([image("1", "a", "x", "p"), image("2", "a", "x", "q")], table(a=(0, None)))
    assert (same.severity, same.id) == ("warning", "1")
    assert "exclude all but one" in same.message
    assert "different masks" in other["duplicate_within_patient"].message


def test_across_patients_of_one_label_is_a_warning():
    found = checks([image("1", "a", "x"), image("2", "b", "x")], table(a=(0, "train"), b=(0, "train")))
    assert set(found) == {"duplicate_across_patients"}
    assert found["duplicate_across_patients"].severity == "warning"


def test_contradictory_labels_and_cohorts_are_errors():
    found = checks([image("1", "a", "x"), image("2", "b", "x")], table(a=(0, "train"), b=(1, "external")))
    assert {c for c, f in found.items() if f.severity == "error"} == {
        "duplicate_contradictory_labels",
        "duplicate_across_cohorts",
    }
    assert "patient a = 0, patient b = 1" in found["duplicate_contradictory_labels"].message
    assert "patient a in train, patient b in external" in found["duplicate_across_cohorts"].message


def test_a_missing_cohort_or_label_contradicts_nothing():
    found = checks([image("1", "a", "x"), image("2", "b", "x")], table(a=(0, None), b=(None, "train")))
    assert set(found) == {"duplicate_across_patients"}
