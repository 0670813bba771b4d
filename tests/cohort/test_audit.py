"""audit: stable names, an order that depends on the findings alone."""

import ast

import pytest
from places import ROOT

from pipeline.cohort.audit import audit_table, counted, dropped_finding, gathered
from pipeline.cohort.checks import CHECKS
from pipeline.cohort.findings import Dropped, error, info, warning
from pipeline.contracts.data.cohort import AUDIT
from pipeline.foundation.tables import check_table

# Those that make findings of the audit; self-tests, rules of thresholds and the page name other things so.
SOURCES = sorted(
    file
    for file in ROOT.glob("pipeline/cohort/**/*.py")
    if file.stem != "operating_point"
    and any(
        word in file.read_text(encoding="utf-8")
        for word in ("importers.source", "cohort.audit import", "exclusion import")
    )
)
# Private helpers of importers that take the check by place: name of the function, which argument it is.
BY_PLACE = {"_note": 2, "_column": 1, "_patient": 1}


def names(file):
    """The check names that a module writes down, by keyword or by place."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "check"]
        place = BY_PLACE.get(getattr(node.func, "id", ""))
        if place is not None and len(node.args) > place:
            given.append(node.args[place])
        yield from (value.value for value in given if isinstance(value, ast.Constant))
        rules = [k.value.value for k in node.keywords if k.arg == "rule" and isinstance(k.value, ast.Constant)]
        yield from ("excluded" if rule == "excluded" else f"dropped_{rule}" for rule in rules)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_check_has_a_meaning(file):
    assert set(names(file)) - set(CHECKS) == set()


def test_every_source_of_findings_is_read():
    assert len(SOURCES) > 10
    assert sum(len(list(names(file))) for file in SOURCES) > 40


def spoken(n, check):
    return [info(f"i{k}", scope="image", check=check, message="x") for k in range(n)]


def test_the_table_keeps_its_contract_and_forgets_the_order_of_finding():
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


def test_what_most_images_share_is_one_row():
    rows = gathered(spoken(3, "spacing_unknown") + spoken(1, "roi_small"), total=3)
    assert {(f.scope, f.id, f.check) for f in rows} == {
        ("image", "i0", "roi_small"),
        ("cohort", "images", "spacing_unknown"),
    }
    assert "3 of 3 images" in rows[-1].message


def test_spacing_known_for_some_images_only_is_a_warning():
    rows = gathered(spoken(1, "spacing_unknown"), total=3)
    assert [(f.check, f.severity) for f in rows] == [("spacing_unknown", "info"), ("spacing_mixed", "warning")]


def test_lesions_in_parts_are_a_warning_where_they_are_common():
    assert len(gathered(spoken(1, "components_left_out"), total=10)) == 1
    assert gathered(spoken(2, "components_left_out"), total=10)[-1].severity == "warning"


def test_a_dropped_case_is_named_by_its_rule():
    case = Dropped(scope="patient", id="7", rule="unlabelled", message="patient 7 has no label; left out")
    assert dropped_finding(case).check == "dropped_unlabelled"
    assert dropped_finding(case).message == case.message


def test_infos_are_counted_by_what_they_are_about():
    patient = info("p", scope="patient", check="mask_lossy", message="x")
    (line,) = counted([*spoken(2, "mask_lossy"), *spoken(2, "mask_lossy"), patient])
    assert line.startswith("2 images, 1 patient: The mask has grey levels")
    assert counted([patient]) == ["patient p: x [mask_lossy]"]


def test_masks_that_differ_in_their_one_label_are_a_warning():
    mixed = gathered(spoken(1, "mask_label_taken"), total=3)
    same = gathered(spoken(3, "mask_label_taken"), total=3)

    assert [(f.check, f.severity) for f in mixed] == [("mask_label_taken", "info"), ("mask_labels_mixed", "warning")]
    assert [f.check for f in same] == ["mask_label_taken"]
