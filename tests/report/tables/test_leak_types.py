"""tables.leak_types: eight types, each with the worst light of the checks that cover it."""

import dataclasses

import pandas as pd
import pytest
from study_folder import write_study

from pipeline.cohort.checks import CHECKS
from pipeline.contracts.reports.leaks import LEAK_TYPES
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.tables import check_table
from pipeline.report.inputs import read_inputs
from pipeline.report.tables.leak_types import leak_table, leak_types, worst

ALL = (
    *("scored_held_out", "thresholds_frozen", "garbage_rows", "sham_labels", "networks_apart", "images_apart"),
    *("near_images_apart", "shape_alone", "shifted_roi", "frame_alone", "size_alone", "dates_in_order"),
    "patients_apart",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def table(study, *, warned=(), **lights):
    """The sheet with every light green but those given, and a warning of each check in `warned`."""
    known = dict.fromkeys(ALL, "green") | lights
    rows = [(check, light, check, None, None, "Rule.", "Finding.") for check, light in known.items()]
    audit = pd.DataFrame(
        [("cohort", "x", check, "warning", "words") for check in warned], columns=study.audit.columns
    ).astype("str")
    results = study.results | {"selftest": pd.DataFrame(rows, columns=SELFTEST.names)}
    made = leak_table(dataclasses.replace(study, results=results, audit=audit))
    check_table(made, LEAK_TYPES, place="leak_types")
    return made.set_index("leak")


def test_the_eight_types_of_the_paper(study):
    made = table(study)

    assert list(made.index) == ["L1.1", "L1.2", "L1.3", "L1.4", "L2", "L3.1", "L3.2", "L3.3"]
    assert made["light"].to_dict() == dict.fromkeys(made.index, "green") | {"L3.3": "grey"}


@pytest.mark.parametrize(
    ("check", "types"),
    [
        ("scored_held_out", {"L1.1"}),
        ("garbage_rows", {"L1.2", "L1.3"}),
        ("habitat_clusters", {"L1.2"}),
        ("near_images_apart", {"L1.4"}),
        ("shape_alone", {"L2"}),
        ("frame_alone", {"L2"}),
        ("ready_made_blocks", {"L2"}),
        ("dates_in_order", {"L3.1"}),
        ("patients_apart", {"L3.2"}),
    ],
)
@pytest.mark.parametrize("light", ["amber", "red"])
def test_a_light_colours_the_types_that_it_covers(study, check, types, light):
    made = table(study, **{check: light})

    assert set(made.index[made["light"] == light]) == types


@pytest.mark.parametrize(
    ("check", "leak"),
    [
        ("near_duplicate", "L1.4"),
        ("duplicate_across_patients", "L1.4"),
        ("column_separates_outcome", "L2"),
        ("no_patient_ids", "L3.2"),
    ],
)
def test_a_warning_of_the_audit_counts_as_amber(study, check, leak):
    made = table(study, warned=[check])

    assert made.index[made["light"] == "amber"].tolist() == [leak]
    assert made.loc[leak, "warnings"] == check


def test_a_type_that_nothing_could_check_is_grey(study):
    assert table(study, dates_in_order="grey").loc["L3.1", "light"] == "grey"
    assert "Whether the test patients came after" in table(study).loc["L3.1", "remains"]  # the study has no dates


def test_without_test_patients_the_first_type_is_amber(study):
    splits = study.splits[study.splits["role"].isin(["train", "cv"])]
    made = table(dataclasses.replace(study, splits=splits))

    assert made.loc["L1.1", "light"] == "amber"
    assert "There is no test cohort" in made.loc["L1.1", "remains"]


def test_a_cohort_without_a_search_for_near_duplicates_says_so(study):
    params = dict(study.params) | {"cohort": {"near_duplicates": "off"}}

    made = table(dataclasses.replace(study, params=params), near_images_apart="grey")
    assert "but not near-duplicates" in made.loc["L1.4", "covered"]
    assert made.loc["L1.4", "light"] == "amber"


def test_every_warning_is_a_check_of_the_audit(study):
    assert {check for leak in leak_types(study) for check in leak.warnings} - set(CHECKS) == set()


def test_the_worst_of_some_lights():
    assert worst(["green", "red", "amber"]) == "red"
    assert worst(["green", "grey", "amber"]) == "amber"
    assert worst(["green", "grey"]) == "green"
    assert worst([]) == worst(["grey"]) == "grey"
