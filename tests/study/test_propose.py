import copy

import pytest
from own_study import demo_params, own_study
from places import ROOT

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import read_yaml
from pipeline.study.look import look
from pipeline.study.params_text import REMOVED, edited
from pipeline.study.propose import FILES, proposals

DEMO_ROOT = "data/raw/demo"
DEMO_WORDS = ("question", "population", "outcome", "positive_class")
WORDS = {f"report study.{key}" for key in DEMO_WORDS} | {"report synthetic", "report describes"}
PLACE = {"cohort root", "cohort reports"}


def params(**changes):
    """The project's params; `changes` by file, then key path: {"embed": {"nets": [...]}}."""
    contents = copy.deepcopy({name: read_yaml(ROOT / "params" / f"{name}.yaml") for name in FILES})
    for name, given in changes.items():
        for key, value in given.items():
            *path, last = key.split(".")
            place = contents[name]
            for part in path:
                place = place[part]
            place[last] = value
    return contents


def proposed(folder, *, contents=None, root="elsewhere", same_root=True):
    contents = contents or params()
    study = look(folder, params=demo_params(), same_root=same_root)
    found = proposals(study, contents=contents, root=root)
    return {f"{change.file.removesuffix('.yaml')} {'.'.join(change.key)}": change.value for change in found}


def test_a_study_like_the_demo_changes_its_place_and_its_words_alone(tmp_path):
    own_study(tmp_path, views=("long", "trans"), cohorts=("train", "external"), clinical=True)

    found = proposed(tmp_path)
    assert set(found) == PLACE | WORDS
    assert found["cohort reports"] == "reports/own"
    assert found["report describes"] == "elsewhere"
    assert found["report synthetic"] is False
    assert {found[f"report study.{key}"] for key in DEMO_WORDS} == {""}
    assert proposed(tmp_path, root=DEMO_ROOT) == {}


def test_the_words_of_an_author_stay(tmp_path):
    own_study(tmp_path, cohorts=("train", "external"), clinical=True)
    mine = {"describes": "./elsewhere/", "synthetic": True, "study.question": "Mine?", "study.outcome": ""}
    contents = params(report=mine)

    assert set(proposed(tmp_path, contents=contents)) == PLACE


STUDIES = {
    # the folder, the params so far, what is proposed besides the words
    "volumes without clinical table or cohorts": (
        {"volumes": True},
        {},
        {
            "cohort manifest.clinical": None,
            "radiomics preset": "ct3d",
            "fusion sets.clinical": REMOVED,
            "fusion sets.combined": REMOVED,
            "compare primary.feature_set": "fusion",
            "compare primary.comparator": "radiomics",
            "compare primary.evaluation": "internal",
        },
    ),
    "no mask": (
        {"masks": False, "clinical": True, "cohorts": ("train", "external")},
        {},
        {"cohort manifest.roi": "full", "agreement source": "none", "reduce agreement": None},
    ),
    "nothing held out": (
        {"clinical": True, "cohorts": ("train",)},
        {},
        {"compare primary": None},
    ),
    "a published preset on 2-D images stays": (
        {"clinical": True, "cohorts": ("train", "external")},
        {"radiomics": {"preset": "paper1357"}},
        {},
    ),
    "2-D after volumes": (
        {"clinical": True, "cohorts": ("train", "external")},
        {"radiomics": {"preset": "ct3d"}},
        {"radiomics preset": "us2d"},
    ),
    "own settings stay": (
        {"clinical": True, "cohorts": ("train", "external"), "volumes": True},
        {"radiomics": {"preset": None}},
        {},
    ),
    "no second reader": (
        {"clinical": True, "cohorts": ("train", "external")},
        {"agreement": {"source": "second_reader"}},
        {"agreement source": "perturbation"},
    ),
    "other views": (
        {"clinical": True, "cohorts": ("train", "external"), "views": ("T4", "T11")},
        {"embed": {"nets": ["dualview"]}},
        {"embed dualview.views": ["T11", "T4"]},
    ),
    "one view": (
        {"clinical": True, "cohorts": ("train", "external")},
        {"embed": {"nets": ["dualview", "carnet"]}, "fusion": {"sets.two": ["clinical", "dualview_logit"]}},
        {"embed nets": ["densenet121", "carnet"], "fusion sets.two": ["clinical", "densenet121_logit"]},
    ),
    "subgroups of an earlier study": (
        {"clinical": True, "cohorts": ("train", "external")},
        {"report": {"subgroups.columns": [{"column": "ki67", "cut": 20}, {"column": "site"}]}},
        {"report subgroups.columns": [{"column": "site"}]},
    ),
    "all subgroups of an earlier study": (
        {"clinical": True, "cohorts": ("train", "external")},
        {"report": {"subgroups.columns": [{"column": "ki67"}]}},
        {"report subgroups.columns": None},
    ),
    "the tested set goes": (
        {"cohorts": ("train", "external")},
        {
            "selftest": {"feature_set": "clinical"},
            "fusion": {"sets": {"clinical": ["clinical"], "radiomics": ["radiomics"]}},
            "compare": {"primary": None},
        },
        {
            "cohort manifest.clinical": None,
            "fusion sets.clinical": REMOVED,
            "selftest feature_set": "radiomics",
        },
    ),
}


@pytest.mark.parametrize("case", STUDIES)
def test_what_a_study_needs_is_proposed_and_no_more(tmp_path, case):
    folder, given, expected = STUDIES[case]
    own_study(tmp_path, **folder)

    found = proposed(tmp_path, contents=params(**given))

    assert {key: value for key, value in found.items() if key not in PLACE | WORDS} == expected


def test_stale_exclusions_go(tmp_path):
    own_study(tmp_path, cohorts=("train", "external"), clinical=True)
    gone = {"old": "blurred"}
    study = look(tmp_path, params=demo_params().model_copy(update={"exclude": gone}), same_root=False)

    found = proposals(study, contents=params(cohort={"exclude": gone}), root=DEMO_ROOT)

    assert [(change.key, change.value) for change in found] == [(("exclude", "old"), REMOVED)]


@pytest.mark.parametrize(("given", "expected"), [(2, []), ("2", []), (None, ["2"]), ("3", ["2"])])
def test_the_label_of_the_event_is_written_once(tmp_path, given, expected):
    own_study(tmp_path, cohorts=("train", "external"), clinical=True)
    text = (tmp_path / "manifest.csv").read_text().replace(",1,", ",2,").replace(",0,", ",1,")
    (tmp_path / "manifest.csv").write_text(text)
    study = look(tmp_path, params=demo_params().model_copy(update={"label_positive": "2"}), same_root=True)
    assert study.faults == ()

    contents = params(cohort={"label_positive": given})
    found = proposals(study, contents=contents, root=DEMO_ROOT)

    assert [change.value for change in found] == expected


def test_a_source_with_labels_of_its_own_has_no_label_of_the_event(tmp_path):
    for name in ("benign", "malignant"):
        own_study(tmp_path / "pictures", patients=1)
        (tmp_path / name).mkdir()
        (tmp_path / "pictures/images/P00_main.png").rename(tmp_path / name / f"{name}.png")
    chosen = demo_params().model_copy(update={"label_positive": "malignant"})
    contents = params(cohort={"label_positive": "malignant"})

    study = look(tmp_path, params=chosen, same_root=False)

    found = proposals(study, contents=contents, root=DEMO_ROOT)
    assert ("label_positive",) in [change.key for change in found if change.value is None]


def test_a_second_look_proposes_nothing(tmp_path):
    own_study(tmp_path, volumes=True, masks=False)
    study = look(tmp_path, params=demo_params(), same_root=False)
    texts = {name: (ROOT / "params" / f"{name}.yaml").read_text(encoding="utf-8") for name in FILES}
    changes = proposals(study, contents=params(), root=str(tmp_path))
    assert len(changes) > 10
    for name, text in texts.items():
        new = edited(text, [change for change in changes if change.file == f"{name}.yaml"])
        (tmp_path / f"{name}.yaml").write_text(new, encoding="utf-8")

    written = {name: read_yaml(tmp_path / f"{name}.yaml") for name in FILES}

    assert proposals(study, contents=written, root=str(tmp_path)) == []


REFUSED = {
    "two of three views": (
        {"views": ("a", "b", "c"), "clinical": True},
        {"embed": {"nets": ["dualview"]}},
        r"the study has a \(48 images\), b \(48 images\), c \(48 images\); which two belong together is not guessed",
    ),
    "clinical sets alone": (
        {},
        {"fusion": {"sets": {"mine": ["clinical"]}}},
        r"every set \(mine\) holds clinical data only, and the study has none; name a clinical table, or add a set",
    ),
    "a key that is gone": (
        {},
        {"compare": {"primary": {"feature_set": "combined"}}},
        "a params file lacks the key 'comparator'; add it",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_a_guess_is_refused(tmp_path, case):
    folder, given, sentence = REFUSED[case]
    own_study(tmp_path, **folder)

    with pytest.raises(ParamsError, match=sentence):
        proposed(tmp_path, contents=params(**given))
