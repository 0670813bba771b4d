import pandas as pd
import pytest

from pipeline.study.plan_changes import fitting_primary, fitting_sets, usable_evaluations

SETS = {
    "clinical": ["clinical"],
    "radiomics": ["radiomics"],
    "fusion": ["radiomics", "net"],
    "combined": ["clinical", "radiomics", "net"],
}
PRIMARY = {"feature_set": "combined", "comparator": "clinical", "evaluation": "external"}


def test_sets_that_can_be_built_stay_as_they_are():
    assert fitting_sets(SETS, clinical=True, renamed={}) == (SETS, {})


def test_without_clinical_data_no_set_uses_them_and_none_occurs_twice():
    sets, successors = fitting_sets(SETS, clinical=False, renamed={})

    assert sets == {"radiomics": ["radiomics"], "fusion": ["radiomics", "net"]}
    assert successors == {"combined": "fusion"}


def test_a_shortened_set_without_a_twin_keeps_its_name():
    sets, successors = fitting_sets({"both": ["clinical", "net"]}, clinical=False, renamed={})

    assert (sets, successors) == ({"both": ["net"]}, {})


def test_equal_sets_that_need_no_change_are_the_users_choice():
    twins = {"a": ["x"], "b": ["x"]}

    assert fitting_sets(twins, clinical=False, renamed={})[0] == twins


def test_a_block_gives_way_to_its_stand_in():
    sets = {"two": ["dualview", "backbone"], "logit": ["clinical", "dualview_logit"]}
    renamed = {"dualview": "backbone", "dualview_logit": "backbone_logit"}

    assert fitting_sets(sets, clinical=True, renamed=renamed)[0] == {
        "two": ["backbone"],
        "logit": ["clinical", "backbone_logit"],
    }


LEFT = {"radiomics": ["radiomics"], "fusion": ["radiomics", "net"]}
COMPARISONS = {
    "the successor": (
        LEFT,
        {"combined": "fusion"},
        ["internal"],
        ("fusion", "radiomics", "internal"),
    ),
    "all there": (SETS, {}, ["external", "internal"], ("combined", "clinical", "external")),
    "the largest, and within it": (
        {"a": ["x"], "b": ["y"], "ab": ["x", "z"]},
        {},
        ["external"],
        ("ab", "a", "external"),
    ),
    "no second set": ({"a": ["x"]}, {}, ["external"], None),
    "no held-out cohort": (SETS, {}, [], None),
}


@pytest.mark.parametrize("case", COMPARISONS)
def test_the_primary_comparison_is_one_of_what_exists(case):
    sets, successors, evaluations, expected = COMPARISONS[case]

    found = fitting_primary(PRIMARY, sets=sets, successors=successors, evaluations=evaluations)

    assert (found and tuple(found.values())) == expected


def test_no_comparison_is_declared_where_none_was():
    assert fitting_primary(None, sets=SETS, successors={}, evaluations=["external"]) is None


EVALUATIONS = {
    "external first": ([0, 1, 0, 1, 0, 1], ["train", "train", "internal", "internal", "external", "external"], 0.25),
    "one class only": ([0, 1, 0, 1, 0, 0], ["train", "train", "internal", "internal", "external", "external"], 0.25),
    "drawn": ([0, 1] * 4, [None] * 8, 0.25),
    "too few to draw": ([0, 1, 1, 1], [None] * 4, 0.25),
    "none drawn": ([0, 1] * 4, [None] * 8, 0),
}
EXPECTED = [["external", "internal"], ["internal"], ["internal"], [], []]


@pytest.mark.parametrize(("case", "expected"), list(zip(EVALUATIONS, EXPECTED, strict=True)))
def test_held_out_cohorts_with_both_classes(case, expected):
    labels, cohorts, fraction = EVALUATIONS[case]
    patients = pd.DataFrame({"label": pd.array(labels, dtype="Int64"), "cohort": pd.array(cohorts, dtype="str")})

    assert usable_evaluations(patients, holdout_fraction=fraction) == expected
