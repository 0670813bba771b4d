"""audit: an order that depends on the findings alone, and one row for findings that most images share."""

from pipeline.cohort.audit import audit_table, counted, dropped_finding, gathered
from pipeline.cohort.findings import Dropped, error, info, warning
from pipeline.contracts.data.cohort import AUDIT
from pipeline.foundation.tables import check_table


def repeated(n, check):
    return [info(f"i{k}", scope="image", check=check, message="x") for k in range(n)]


def test_the_table_meets_its_contract_and_does_not_depend_on_the_order_of_findings():
    found = [
        warning("b", scope="image", check="roi_small", message="one"),
        error("a", scope="patient", check="two_sites", message="two"),
        error("", scope="cohort", check="no_patients", message="none"),
    ]
    table = audit_table(found)
    check_table(table, AUDIT, place="audit")
    assert table.equals(audit_table(found[::-1]))
    assert table["message"].tolist() == ["none", "image b: one", "patient a: two"]
    check_table(audit_table([]), AUDIT, place="audit")


def test_findings_that_most_images_share_become_one_row():
    rows = gathered(repeated(3, "spacing_unknown") + repeated(1, "roi_small"), total=3)
    assert {(f.scope, f.id, f.check) for f in rows} == {
        ("image", "i0", "roi_small"),
        ("cohort", "images", "spacing_unknown"),
    }
    assert "3 of 3 images" in rows[-1].message


def test_spacing_known_for_some_images_only_is_a_warning():
    rows = gathered(repeated(1, "spacing_unknown"), total=3)
    assert [(f.check, f.severity) for f in rows] == [("spacing_unknown", "info"), ("spacing_mixed", "warning")]


def test_lesions_with_several_components_are_a_warning_if_they_are_common():
    assert len(gathered(repeated(1, "components_left_out"), total=10)) == 1
    assert gathered(repeated(2, "components_left_out"), total=10)[-1].severity == "warning"


def test_a_dropped_case_has_its_rule_as_its_check():
    case = Dropped(scope="patient", id="7", rule="unlabelled", message="patient 7 has no label; excluded")
    assert dropped_finding(case).check == "dropped_unlabelled"
    assert dropped_finding(case).message == case.message


def test_infos_are_counted_by_scope():
    patient = info("p", scope="patient", check="mask_lossy", message="x")
    (line,) = counted([*repeated(2, "mask_lossy"), *repeated(2, "mask_lossy"), patient])
    assert line.startswith("2 images, 1 patient: The mask has grey levels")
    assert counted([patient]) == ["patient p: x [mask_lossy]"]


def test_masks_that_differ_in_their_one_label_are_a_warning():
    mixed = gathered(repeated(1, "mask_label_taken"), total=3)
    same = gathered(repeated(3, "mask_label_taken"), total=3)

    assert [(f.check, f.severity) for f in mixed] == [("mask_label_taken", "info"), ("mask_labels_mixed", "warning")]
    assert [f.check for f in same] == ["mask_label_taken"]


def test_labels_that_were_taken_are_listed_with_their_images():
    def taken(image, label):
        message = f"the mask {image}.png has the one label {label}; it was taken"
        return info(image, scope="image", check="mask_label_taken", message=message)

    found = gathered([*(taken(f"i{k}", 3) for k in range(7)), taken("j", 2)], total=8)

    # Every mask has a label of its own, and none is 1: still not the same one in all.
    assert [f.check for f in found] == ["mask_label_taken", "mask_labels_mixed"]
    assert all("(label 2: j; label 3: i0, i1, i2, i3, i4 and 2 more)" in f.message for f in found)
