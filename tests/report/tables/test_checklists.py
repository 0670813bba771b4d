"""tables.checklists: every item answered once, by the run or by the author, and the METRICS score by hand."""

import dataclasses

import pandas as pd
import pytest
from pydantic import ValidationError
from study_folder import write_study

from pipeline.contracts.reports.report import CHECKLISTS
from pipeline.contracts.reports.segment import SEGMENTATION_SUMMARY
from pipeline.foundation.tables import check_table
from pipeline.report.inputs import read_inputs
from pipeline.report.page.render import PLACES
from pipeline.report.regions import Regions
from pipeline.report.tables.checklist_items import CLEAR, METRICS
from pipeline.report.tables.checklists import ChecklistAnswers, band, checklist_table, facts, score_table


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def answers(study, **said):
    table = checklist_table(study, answers=ChecklistAnswers(**said), question="Does it?")
    check_table(table, CHECKLISTS, place="checklists")
    return table.set_index(["checklist", "item"])


def test_the_published_numbers_of_items_and_weights():
    assert [item.number for item in CLEAR] == list(range(1, 59))
    assert [item.number for item in METRICS] == list(range(1, 31))
    assert sum(item.weight for item in METRICS) == pytest.approx(1)
    assert METRICS[2].weight == 0.0919  # reference standard of high quality
    assert METRICS[26].weight == 0.0749  # external test


def test_every_fact_is_known_and_its_place_is_a_section(study):
    known = facts(study, question="")

    assert {item.fact for item in (*CLEAR, *METRICS) if item.fact} == set(known)
    assert {fact.place for fact in known.values()} - {""} <= set(PLACES)


def test_items_the_run_cannot_answer_are_for_the_author(study):
    table = answers(study)

    for item in (1, 2, 3, 8, 10, 11, 13, 14, 18, 20, 49, 50, 51, 58):
        assert tuple(table.loc[("CLEAR", item), ["answer", "said_by"]]) == ("for the author", "author")
    assert table.loc[("METRICS", 3), "answer"] == "for the author"


def test_answers_of_the_author_take_precedence(study):
    table = answers(study, clear={8: "Ethics statement"}, metrics={3: "yes", 14: "not applicable"})

    assert tuple(table.loc[("CLEAR", 8), ["answer", "said_by", "remark"]]) == ("yes", "author", "Ethics statement")
    assert tuple(table.loc[("METRICS", 3), ["answer", "said_by"]]) == ("yes", "author")
    assert table.loc[("METRICS", 14), "answer"] == "not applicable"


def test_without_green_lights_proper_splits_are_answered_partly(study):
    results = {**study.results, "selftest": study.results["selftest"].iloc[:0]}
    table = answers(dataclasses.replace(study, results=results))

    assert table.loc[("METRICS", 18), "answer"] == "partly"


@pytest.mark.parametrize(
    ("strategy", "words"), [("crossfit", "cross-fitted"), ("insample", "in-sample"), ("frozen", "weights given")]
)
def test_networks_are_called_cross_fitted_only_if_they_were(study, strategy, words):
    cards = {net: [card | {"strategy": strategy} for card in own] for net, own in study.cards.items()}
    fact = facts(dataclasses.replace(study, cards=cards), question="")["deep_robust"]

    assert fact.remark.startswith(words)


def test_confounders_are_those_that_a_light_could_test(study):
    selftest = study.results["selftest"]
    tested = facts(study, question="")["confounders"]
    none = study.results | {"selftest": selftest.assign(light="grey")}

    assert tested.remark == "tested: lesion size; any other is for the author"  # the light of the site is grey
    assert facts(dataclasses.replace(study, results=none), question="")["confounders"].answer == "no"


def test_without_external_patients_the_external_item_is_no(study):
    metrics = study.results["metrics"]
    results = {**study.results, "metrics": metrics[metrics["evaluation"] != "external"]}
    table = answers(dataclasses.replace(study, results=results))

    assert table.loc[("METRICS", 27), "answer"] == "no"
    assert table.loc[("METRICS", 26), "answer"] == "yes"
    assert table.loc[("CLEAR", 38), "answer"] == "partly"


def test_predicted_masks_are_counted_and_their_evaluation_asked_for(study):
    rois = study.rois.assign(mask_source="given")
    rois.loc[:9, "mask_source"] = "predicted"
    some = dataclasses.replace(study, rois=rois)
    known = facts(some, question="")

    assert known["segmentation"].remark == "masks of 10 of 260 images were predicted; who drew the given ones?"
    assert known["automatic"].answer == "no"  # nothing was evaluated
    assert known["test_masks"].answer == "for the author"
    row = ("unet", "internal", "dice_mean", 0.9, 0.8, 0.95, None, 1, 20, 10, 0)
    evaluated = pd.DataFrame([row], columns=SEGMENTATION_SUMMARY.names)
    results = study.results | {"segmentation_summary": evaluated}
    assert facts(dataclasses.replace(some, results=results), question="")["automatic"].answer == "yes"


def test_given_masks_need_no_evaluation_of_a_network(study):
    assert facts(study, question="")["automatic"].answer == "not applicable"


def test_masks_of_all_test_patients_by_software_answer_an_item(study):
    everyone = dataclasses.replace(study, rois=study.rois.assign(mask_source="predicted"))

    assert facts(everyone, question="")["test_masks"].answer == "yes"


def test_features_compared_between_both_masks_are_partly_an_agreement(study):
    regions = Regions(given=pd.DataFrame({"a": [1.0]}), predicted=pd.DataFrame({"a": [1.0]}))
    without = dataclasses.replace(study, agreement=study.agreement.iloc[:0])

    assert facts(without, question="")["agreement"].answer == "no"
    assert facts(dataclasses.replace(without, regions=regions), question="")["agreement"].answer == "partly"


def test_score_by_hand():
    table = pd.DataFrame(
        {
            "checklist": ["CLEAR", *["METRICS"] * 5],
            "item": [1, 1, 2, 3, 4, 5],
            "weight": [None, 0.1, 0.2, 0.3, 0.25, 0.15],
            "answer": ["yes", "yes", "no", "not applicable", "partly", "for the author"],
        }
    )
    scores = score_table(table).set_index("checklist")

    # Weights that apply: 0.7. Certain: 0.1; with partly answered and open items: 0.1 + 0.25 + 0.15.
    assert scores.loc["METRICS", "score_low"] == pytest.approx(0.1 / 0.7)
    assert scores.loc["METRICS", "score_high"] == pytest.approx(0.5 / 0.7)
    assert scores.loc["METRICS", "n_open"] == 1
    assert pd.isna(scores.loc["CLEAR", "score_low"])


@pytest.mark.parametrize(
    ("score", "name"), [(0.0, "very low"), (0.2, "low"), (0.399, "low"), (0.6, "good"), (0.8, "excellent")]
)
def test_bands(score, name):
    assert band(score) == name


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"clear": {59: "x"}}, "there is no item 59"),
        ({"metrics": {0: "yes"}}, "there is no item 0"),
        ({"metrics": {1: "maybe"}}, "yes"),
    ],
)
def test_wrong_answers_are_refused(said, message):
    with pytest.raises(ValidationError, match=message):
        ChecklistAnswers(**said)
