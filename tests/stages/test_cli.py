import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from places import ROOT

from pipeline.foundation.errors import PipelineError
from stages import cli
from stages.cli import arguments, run_settings


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("FUSION_WORKERS", "3")
    monkeypatch.setenv("FUSION_SCHEDULER", "tcp://host:8786")
    monkeypatch.setenv("FUSION_SCRATCH", "elsewhere")
    settings = run_settings()

    assert (settings.workers, settings.scheduler, settings.scratch) == (3, "tcp://host:8786", Path("elsewhere"))


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_workers_is_one_sentence(monkeypatch, value):
    monkeypatch.setenv("FUSION_WORKERS", value)

    with pytest.raises(PipelineError, match=r"FUSION_WORKERS \(.*\) must be a whole number"):
        run_settings()


@pytest.mark.parametrize(
    ("given", "folder", "limit"),
    [({}, "s/store", 5 * 10**9), ({"FUSION_STORE": "else", "FUSION_STORE_GB": "0.5"}, "else", 5 * 10**8)],
)
def test_the_store_lies_in_the_scratch_folder_unless_named(monkeypatch, given, folder, limit):
    for name, value in ({"FUSION_SCRATCH": "s"} | given).items():
        monkeypatch.setenv(name, value)

    assert (run_settings().store, run_settings().store_bytes) == (Path(folder), limit)


@pytest.mark.parametrize("value", ["-1", "much", "nan", "inf"])
def test_a_wrong_size_of_the_store_is_one_sentence(monkeypatch, value):
    monkeypatch.setenv("FUSION_STORE_GB", value)

    with pytest.raises(PipelineError, match=r"FUSION_STORE_GB \(.*\) must be a number of 0 or more"):
        run_settings()


def test_paths_have_no_defaults(capsys):
    with pytest.raises(SystemExit):
        arguments("doc", paths=["table"]).parse_args([])

    assert "--table" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_advances_while_waiting_for_an_item(monkeypatch):
    monkeypatch.setattr(sys, "stderr", screen := Terminal())
    monkeypatch.setattr(cli, "WATCHED_EVERY_S", 0.01)
    shown = threading.Event()

    def slow():
        yield "first"
        assert shown.wait(10)
        yield "second"

    def under_way():
        if "1.4/2" in screen.getvalue():
            shown.set()
        return 0.4

    assert list(cli.progress(slow(), total=2, unit="network", under_way=under_way)) == ["first", "second"]
    assert "2.0/2" in screen.getvalue()


def test_without_a_terminal_nothing_is_polled_or_shown(capsys):
    assert list(cli.progress([1, 2], total=2, unit="network", under_way=lambda: 1 / 0)) == [1, 2]
    assert capsys.readouterr().err == ""


def run_stage(body):
    imports = "from stages.cli import run\nfrom pipeline.foundation.errors import PipelineError"
    code = f"{imports}\ndef main():\n    {body}\nrun(main)"
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_user_error_prints_its_message_and_exits_with_1():
    done = run_stage("raise PipelineError('the mask of 007 is empty; draw it')")

    assert done.returncode == 1
    assert done.stderr.strip().endswith("the mask of 007 is empty; draw it")
    assert "Traceback" not in done.stderr


def test_a_library_of_the_stages_name_does_not_repeat_the_message():
    # PyRadiomics' logger is called radiomics, as the stage is, and has a handler of its own.
    library = "import logging, sys; sys.argv[0] = 'radiomics.py'; "
    library += "logging.getLogger('radiomics').addHandler(logging.StreamHandler())"
    code = f"{library}\nfrom stages.cli import run\nfrom pipeline.foundation.errors import PipelineError\n"
    code += "def main():\n    raise PipelineError('no preset')\nrun(main)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stderr == "radiomics: no preset\n"


def test_a_bug_keeps_its_traceback():
    done = run_stage("raise KeyError('x')")

    assert done.returncode == 1
    assert "Traceback" in done.stderr
