"""page.leakage: every light stands in one group; red is shown first; near-duplicates, controls and dates are shown."""

import dataclasses
import re

import pytest
from places import ROOT
from study_folder import write_study

from pipeline.contracts.reports.selftest import CONTROL_NAMES
from pipeline.foundation.params import load_params
from pipeline.report.figures import controls
from pipeline.report.inputs import read_inputs
from pipeline.report.near_images import NearImages
from pipeline.report.page.leakage import CONFOUNDING, CONTROL_WORDS, LEAKS, REST, light_groups
from pipeline.report.params import ReportParams
from pipeline.report.report import make_report

PARAMS = load_params(ROOT / "params" / "report.yaml", ReportParams)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def page(study, *, params=None, near=None, patients=None, **lights):
    """The page of the study with other lights; `params` of the cohort, its near-duplicates and patients if given."""
    table = study.results["selftest"].set_index("check")
    for check, light in lights.items():
        table.loc[check] = [light, f"Title of {check}", 0.5, 0.4, "The rule.", f"Found by {check}."]
    results = study.results | {"selftest": table.reset_index()}
    changed = {"near": near, "patients": patients, "params": {**study.params, **params} if params else None}
    given = {name: value for name, value in changed.items() if value is not None}
    return make_report(dataclasses.replace(study, results=results, **given), params=PARAMS)


def between(text, start, end):
    return text[text.index(start) : text.index(end, text.index(start))]


def test_a_red_light_is_the_first_thing_in_the_result(study):
    made = page(study, near_images_apart="red", shape_alone="amber").page
    first = between(made, '<section id="result"', "Population")

    assert "This report contains results that come from leakage. Do not use them." in first
    assert "Title of near_images_apart" in first
    assert "Found by near_images_apart." in first
    assert "shape_alone" not in first
    assert "RED LIGHTS: do not use" in between(made, "@page", "</style>")  # on every printed page


def test_a_red_table_is_not_called_a_leak(study):
    first = between(page(study, tables_consistent="red").page, '<section id="result"', "Population")

    assert "numbers that cannot be right. Do not use them." in first
    assert "come from leakage" not in first


def test_without_red_the_page_has_no_red_box_and_amber_is_explained(study):
    made = page(study, shape_alone="amber").page

    assert 'class="alert red"' not in made
    assert "RED LIGHTS" not in made
    assert "Title of shape_alone" in between(made, 'class="alert amber"', "</div>")
    assert "Was it drawn by someone who knew the outcome?" in made
    assert "stops the run" not in made


def test_the_cards_use_the_words_of_a_clinician(study):
    made = page(study).page

    assert "Detected, of those with the event" in made
    assert "Correctly ruled out, of those without" in made
    assert "Was it drawn by someone who knew the outcome?" not in made  # said only if the light is amber


def test_near_duplicates_are_shown_as_images_by_pseudonym(study):
    made = page(study)
    section = between(made.page, 'id="near-duplicates"', "<h3>Shuffled outcomes")

    assert section.count("data:image/png;base64,") == 4
    assert re.findall(r"image #\d+", section)[:2] == ["image #3", "image #63"]  # 0002 and 0032
    assert section.count("different outcomes") == 3  # in the sentence, and under both pairs
    assert section.count(", mirrored") == 1
    assert "0002_long" not in section
    assert made.tables["near_counts"].set_index("what").loc["patients_joined", "n"] == 4


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("join", "No image of one patient is a near-duplicate of an image of another"),
        ("off", "Near-duplicates were not searched for"),
    ],
)
def test_a_study_without_near_duplicates_says_why(study, mode, words):
    none = NearImages(pairs=study.near.pairs.iloc[:0], thumbnails={})
    cohort = {"cohort": {**study.params["cohort"], "near_duplicates": mode}}
    made = page(study, near=none, params=cohort).page

    assert words in made
    assert 'class="twins"' not in made


def test_dates_are_shown_by_quarter_and_never_themselves(study):
    dates = [f"2021-0{1 + n % 9}-17" for n in range(len(study.patients))]
    made = page(study, patients=study.patients.assign(date=dates))

    assert "2021 Q1" in between(made.page, "<h3>Dates</h3>", "</table>")
    assert "2021 Q3" in between(made.page, "<h3>Dates</h3>", "</table>")
    texts = [made.page, *(table.to_csv() for table in made.tables.values())]
    assert [text for text in texts if re.search(r"2021-0\d", text)] == []


def test_controls_are_listed_with_the_primary_set_first(study):
    section = between(page(study).page, 'id="controls"', 'id="near-duplicates"')
    rows = re.findall(r'<th scope="row">([^<]*)</th>', section)

    assert rows[:2] == [CONTROL_WORDS["primary"], CONTROL_WORDS["primary_without_shape"]]
    assert len(rows) == len(CONTROL_NAMES)
    assert section.count("<svg") == 1


def test_the_sheet_of_leaks_has_eight_types_and_their_lights(study):
    section = between(page(study).page, 'id="leak-types"', 'id="controls"')

    found = re.findall(r">(L\d(?:\.\d)?)</data>", section)
    assert found == ["L1.1", "L1.2", "L1.3", "L1.4", "L2", "L3.1", "L3.2", "L3.3"]
    assert "Title of near_images_apart" in section


def test_lights_are_grouped_and_an_unknown_one_comes_last():
    checks = ["size_alone", "tables_consistent", "new_check", "sham_labels", "patients_apart"]
    groups = dict(light_groups([(check,) for check in checks]))

    assert groups == {
        LEAKS: [("patients_apart",), ("sham_labels",)],
        CONFOUNDING: [("size_alone",)],
        REST: [("tables_consistent",), ("new_check",)],
    }


def test_a_group_without_a_light_is_omitted():
    assert [heading for heading, _ in light_groups([("size_alone",)])] == [CONFOUNDING]


def test_every_control_has_words_and_a_name_in_the_figure():
    assert set(CONTROL_WORDS) == set(CONTROL_NAMES) == set(controls.NAMES)
    assert {name for members in controls.GROUPS.values() for name in members} == set(CONTROL_NAMES)
