"""The last stage: a red light fails the run with one sentence, after the report was made."""

import pandas as pd
import pytest

from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.foundation.tables import write_table
from stages import verdict as stage


@pytest.fixture
def verdict(tmp_path, monkeypatch):
    """Run the stage on lights by name."""

    def run(lights, *, params="allow_insample: false\n"):
        rows = [
            {"check": name, "light": light, "title": f"Title {name}", "rule": "Rule.", "finding": f"Finding {name}."}
            for name, light in lights.items()
        ]
        write_table(pd.DataFrame(rows).reindex(columns=SELFTEST.names), tmp_path / "selftest.csv", SELFTEST)
        (tmp_path / "selftest.yaml").write_text(params, encoding="utf-8")
        paths = {"params": "selftest.yaml", "lights": "selftest.csv", "report": "report.html"}
        flags = [part for name, file in paths.items() for part in (f"--{name}", str(tmp_path / file))]
        monkeypatch.setattr("sys.argv", ["verdict", *flags])
        stage.main()

    return run


def test_a_red_light_fails_the_run_with_one_sentence(verdict):
    with pytest.raises(PipelineError, match=r"^1 self-test is red, so the results cannot be used; ") as error:
        verdict({"sham_labels": "red", "size_alone": "amber"})

    assert str(error.value).endswith("Title sham_labels: Finding sham_labels.")
    assert "report.html shows why on its first page" in str(error.value)


@pytest.mark.parametrize("lights", [{"a": "green"}, {"a": "green", "b": "amber", "c": "grey"}])
def test_without_a_red_light_the_run_ends_well(verdict, lights, caplog):
    caplog.set_level("INFO")

    verdict(lights)

    assert caplog.messages == [", ".join(f"1 {light}" for light in sorted(lights.values()))]


def test_insample_on_purpose_does_not_fail_the_run(verdict):
    lights = {"networks_insample": "red", "ready_made_blocks": "red"}

    verdict(lights, params="allow_insample: true\n")
    with pytest.raises(PipelineError, match="2 self-tests are red"):
        verdict(lights)


def test_a_switch_that_is_no_switch_is_refused(verdict):
    with pytest.raises(ParamsError, match=r"key 'allow_insample' \(perhaps\) must be true or false"):
        verdict({"a": "red"}, params="allow_insample: perhaps\n")
