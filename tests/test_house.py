"""The laws of the house: who may import whom, what dvc.yaml must declare, one word in five places."""

import ast
import shlex

import pytest
from house import closure, code_deps, declared, dvc_stages, imports_of
from places import ROOT

STAGES = dvc_stages()
FOUNDATION = {
    "pipeline.foundation.errors": set(),
    "pipeline.foundation.params": {"pipeline.foundation.errors"},
    "pipeline.foundation.tables": {"pipeline.foundation.errors"},
    "pipeline.foundation.images": {"pipeline.foundation.errors"},
}
SOURCES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("stages/*.py")])


@pytest.mark.parametrize("name", sorted(FOUNDATION))
def test_foundation_imports_only_errors(name):
    file = ROOT / (name.replace(".", "/") + ".py")

    assert imports_of(file) - {"pipeline"} <= FOUNDATION[name]


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_library_never_imports_stages_and_no_stage_imports_a_stage(file):
    stages = {name for name in imports_of(file) if name.startswith("stages.")}

    assert stages <= ({"stages.cli"} if file.parent.name == "stages" else set())


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_library_reads_no_environment_and_no_command_line(file):
    if file.parts[-2:] == ("stages", "cli.py"):
        return
    tree = ast.parse(file.read_text(encoding="utf-8"))
    attributes = {
        f"{n.value.id}.{n.attr}"
        for n in ast.walk(tree)
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)
    }
    imported = {alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names}

    assert not attributes & {"os.environ", "os.getenv", "sys.argv"}
    assert "argparse" not in imported or file.parent.name == "stages"


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stage_has_its_module_params_and_library(stage):
    for path in (f"stages/{stage}.py", f"params/{stage}.yaml"):
        assert (ROOT / path).exists(), path
    assert (ROOT / f"pipeline/{stage}").is_dir() or (ROOT / f"pipeline/{stage}.py").exists()
    assert (ROOT / f"tests/{stage}").is_dir() or (ROOT / f"tests/test_{stage}.py").exists()


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_stage_declares_the_code_it_runs_and_no_more(stage):
    code = {path for path in declared(STAGES[stage], "deps") if path.startswith(("pipeline/", "stages/"))}
    expected = code_deps(stage)

    assert code == set(expected), "set the code deps of this stage to:\n" + ", ".join(expected)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_every_module_a_stage_loads_lies_under_a_dep(stage):
    code = [path for path in declared(STAGES[stage], "deps") if path.startswith(("pipeline/", "stages/"))]
    loaded = closure(ROOT / "stages" / f"{stage}.py")
    covers = {path: {file for file in loaded if file == path or file.startswith(f"{path}/")} for path in code}

    assert loaded - set().union(*covers.values()) == set()
    assert [path for path, files in covers.items() if not files] == []


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_every_path_of_a_command_is_declared(stage):
    known = declared(STAGES[stage], "deps", "outs", "params", "metrics", "plots")
    paths = [word for word in shlex.split(STAGES[stage]["cmd"]) if "/" in word]
    # A folder of declared files (data/features) counts as declared.
    missing = [p for p in paths if not any(k == p or k.startswith(f"{p}/") for k in known)]

    assert paths or "${root}" in STAGES[stage]["cmd"]
    assert missing == []


def test_the_folder_of_the_source_may_have_blanks_in_its_name():
    command = STAGES["cohort"]["cmd"].replace("${root}", "my data")

    assert "my data" in shlex.split(command)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_params_files_are_tracked_whole(stage):
    entries = STAGES[stage].get("params", [])

    assert entries
    assert all(isinstance(entry, dict) and next(iter(entry.values())) is None for entry in entries)
