"""The command as its user meets it: it shows, it writes when asked to, and it ends in one sentence."""

import shutil

import pytest
from own_study import own_study
from places import ROOT

from pipeline.cohort.cohort import CohortParams
from pipeline.foundation.errors import CohortError, PipelineError
from pipeline.foundation.params import load_params
from stages import study as stage


@pytest.fixture
def study(tmp_path, monkeypatch, caplog):
    """Run the command in a project of its own that has the params of this one; returns what it says."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "params", project / "params")
    monkeypatch.chdir(project)

    def run(root, *flags):
        caplog.clear()
        caplog.set_level("INFO")
        monkeypatch.setattr("sys.argv", ["study", "--root", str(root), "--params", "params", *flags])
        stage.main()
        return caplog.text

    return run


def texts(project):
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(project.glob("params/*"))}


def comments(text):
    return [line.partition("#")[2] for line in text.splitlines() if "#" in line]


def test_it_shows_a_diff_and_writes_nothing_unless_asked_to(study, tmp_path):
    before = texts(tmp_path / "project")

    said = study(own_study(tmp_path / "own", volumes=True))

    assert texts(tmp_path / "project") == before
    assert "\n-preset: us2d" in said
    assert "\n+preset: ct3d" in said
    assert "nothing is written" in said


def test_it_writes_once_and_keeps_the_comments(study, tmp_path):
    root = own_study(tmp_path / "own", volumes=True)
    before = texts(tmp_path / "project")

    said = study(root, "--write")
    after = texts(tmp_path / "project")

    assert "next: make repro" in said
    assert "PyRadiomics" in said
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"cohort.yaml", "radiomics.yaml", "fusion.yaml", "compare.yaml", "report.yaml"}
    assert {name: comments(text) for name, text in after.items()} == {n: comments(text) for n, text in before.items()}
    assert load_params(tmp_path / "project/params/cohort.yaml", CohortParams).root == str(root)
    assert "the params fit this study: nothing to change" in study(root, "--write")
    assert texts(tmp_path / "project") == after


def test_a_folder_in_the_project_is_written_as_a_relative_path(study, tmp_path):
    own_study(tmp_path / "project/data/mine", clinical=True, cohorts=("train", "external"))

    study("data/mine", "--write")

    assert "root: data/mine  " in texts(tmp_path / "project")["cohort.yaml"]


def test_labels_in_words_need_the_word_of_the_event(study, tmp_path):
    root = own_study(tmp_path / "own", clinical=True, cohorts=("train", "external"))
    text = (root / "manifest.csv").read_text().replace(",1,", ",malignant,").replace(",0,", ",benign,")
    (root / "manifest.csv").write_text(text)

    with pytest.raises(PipelineError, match=r"'benign' \(24 rows\), 'malignant' \(24 rows\)"):
        study(root)
    assert "\n+label_positive: malignant" in study(root, "--write", "--positive", "malignant")
    assert "nothing to change" in study(root)


def test_the_demo_in_its_place_needs_no_change(study, tmp_path):
    own_study(tmp_path / "project/data/raw/demo", clinical=True, cohorts=("train", "external"))

    assert "nothing to change" in study("data/raw/demo")


def test_faults_end_the_command_after_the_proposal(study, tmp_path):
    root = own_study(tmp_path / "own")
    (root / "images/P00_main.png").unlink()

    with pytest.raises(PipelineError, match=r"^1 fault to correct before make repro:\n  - 1 image of 48 absent \(P00"):
        study(root, "--write")

    assert str(root) in texts(tmp_path / "project")["cohort.yaml"]


def test_a_folder_that_does_not_exist_is_one_sentence(study):
    with pytest.raises(CohortError, match=r"^ROOT \(nowhere\): there is no such folder; give the folder that holds"):
        study("nowhere")


def test_params_that_cannot_be_written_are_one_sentence(study, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", refuse)
    before = texts(tmp_path / "project")

    with pytest.raises(PipelineError, match=r"^params: cannot be written \(No space left on device\); "):
        study(own_study(tmp_path / "own"), "--write")
    assert texts(tmp_path / "project") == before
