"""Each leak that is planted in a clean study turns its own audit line or light; the clean study turns none."""

import math
import re

import pytest
from leak_table import AUDITED, CONTROLLED, EXPECTED, SHUFFLED, described, seen
from leaky_run import LeakyRun
from leaky_study import LEAKS
from places import ROOT


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    """One process per stage, and scratch of its own."""
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.setenv("FUSION_SCRATCH", str(tmp_path / "scratch"))


def rows_of_readme():
    """README's table of planted leaks: what is planted, the check, what turns, the value."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("| planted leak |")[1].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_every_leak_is_expected_to_turn_something():
    assert set(EXPECTED) == set(LEAKS)


def test_the_clean_study_turns_nothing(tmp_path):
    run = LeakyRun(tmp_path / "study", leak=None)
    run.cohort()
    run.features()
    run.models()

    lights = run.lights()

    assert {light for light, _ in lights.values()} == {"green", "grey"}
    # Grey: no date, no network, no habitats. Everything else was tested.
    grey = {name for name, (light, _) in lights.items() if light == "grey"}
    assert grey == {"dates_in_order", "networks_apart", "masks_apart", "habitat_clusters"}


def test_the_clean_study_has_no_line_in_the_audit(tmp_path):
    assert seen(None, folder=tmp_path / "study", by=AUDITED) == {}


@pytest.mark.parametrize("leak", EXPECTED)
def test_a_planted_leak_turns_its_own_light(leak, tmp_path):
    expected = EXPECTED[leak]

    found = seen(leak, folder=tmp_path / "study", by=expected.seen_by)

    turned, value = found[expected.check]
    assert turned == expected.turns
    if expected.seen_by == AUDITED:
        assert set(found) == {expected.check}
    (row,) = [row for row in rows_of_readme() if row[0] == described(leak)]
    assert re.search(r"`(\w+)`", row[1]).group(1) == expected.check
    assert row[2] == turned
    # On another type of CPU the last digits differ.
    assert math.isclose(float(row[3]), value, abs_tol=0.03)


def test_the_readme_lists_every_leak_once():
    assert sorted(row[0] for row in rows_of_readme()) == sorted(described(leak) for leak in EXPECTED)
    assert {expected.seen_by for expected in EXPECTED.values()} == {AUDITED, CONTROLLED, SHUFFLED}
