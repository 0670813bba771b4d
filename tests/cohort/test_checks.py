"""checks: every check name in the code has a meaning."""

import ast

import pytest
from places import ROOT

from pipeline.cohort.checks import CHECKS

# Modules that make findings of the audit; elsewhere (thresholds, self-tests, the page) `check` has other meanings.
SOURCES = sorted(
    file
    for file in ROOT.glob("pipeline/cohort/**/*.py")
    if file.stem != "operating_point"
    and any(
        word in file.read_text(encoding="utf-8")
        for word in ("importers.source", "cohort.audit import", "exclusion import")
    )
)
# Private functions of importers with `check` as a positional argument: name of the function, index of the argument.
POSITIONAL = {"_note": 2, "_column": 1, "_patient": 1}


def names(file):
    """The check names in a module, given by keyword or by position."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        given = [keyword.value for keyword in node.keywords if keyword.arg == "check"]
        position = POSITIONAL.get(getattr(node.func, "id", ""))
        if position is not None and len(node.args) > position:
            given.append(node.args[position])
        yield from (value.value for value in given if isinstance(value, ast.Constant))
        rules = [k.value.value for k in node.keywords if k.arg == "rule" and isinstance(k.value, ast.Constant)]
        yield from ("excluded" if rule == "excluded" else f"dropped_{rule}" for rule in rules)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_check_has_a_meaning(file):
    assert set(names(file)) - set(CHECKS) == set()


def test_every_module_with_findings_is_read():
    assert len(SOURCES) > 10
    assert sum(len(list(names(file))) for file in SOURCES) > 40
