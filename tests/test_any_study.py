"""Any study that makes sense runs from its source to the verdict: each test is one kind of study."""

import pandas as pd
import pytest
from any_run import AnyRun, some


@pytest.fixture(autouse=True)
def _one_process(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.chdir(tmp_path)


def test_no_network(tmp_path):
    run = AnyRun(tmp_path, params={}, study=some())

    run.all()

    lights = run.lights()
    assert "red" not in lights.values()
    assert lights["networks_apart"] == "grey"
