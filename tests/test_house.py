"""The laws of the house: who may import whom, what dvc.yaml must declare, one word in five places."""

import ast
import shlex
from graphlib import TopologicalSorter

import pytest
from house import closure, code_deps, declared, dvc_stages, imports_of, module_file, rooms_of_readme
from places import ROOT

STAGES = dvc_stages()
# What each shared room may import; a stage room may import any of them.
SHARED = {
    "foundation": (),
    "statistics": (),
    "contracts": ("foundation",),
    "predictions": ("foundation",),
    "networks": ("foundation",),
    "plan": ("foundation", "contracts"),
    "training": ("foundation", "networks"),
}
# Which stage room imports which other, and which files of it ("*": any). The other runs earlier in dvc.yaml.
UPSTREAM = {
    ("agreement", "crop"): "*",
    ("agreement", "radiomics"): "*",
    ("agreement", "habitat"): "*",
    ("reduce", "split"): "grouped_folds",
    ("reduce", "agreement"): "agreement",
    ("reduce", "radiomics"): "noise_bands",
    ("benchmark", "split"): "grouped_folds",
    ("selftest", "crop"): "*",
    ("selftest", "radiomics"): "*",
    ("segment", "cohort"): "grey_image importers.paths mask_files source_image",
    ("habitat", "crop"): "*",
    ("habitat", "radiomics"): "*",
    ("selftest", "habitat"): "*",
    ("selftest", "reduce"): "*",
    ("selftest", "benchmark"): "*",
    ("explain", "embed"): "*",
    ("explain", "benchmark"): "classifiers design_matrices model_files",
    ("explain", "radiomics"): "definitions",
    ("report", "cohort"): "checks",
    ("report", "radiomics"): "noise_bands",
    ("report", "reduce"): "steps.lasso steps.clinical_encoder",
    ("report", "benchmark"): "model_files",
    ("study", "cohort"): "cohort importers.csv_rows importers.manifest importers.paths importers.source",
    ("study", "radiomics"): "presets",
    ("predict", "cohort"): "*",
    ("predict", "crop"): "rois",
    ("predict", "radiomics"): "features presets recipe",
    ("predict", "embed"): "params work_plan",
    ("predict", "reduce"): "*",
    ("predict", "benchmark"): "classifiers design_matrices model_files",
    ("predict", "explain"): "case_waterfalls contributions examples pictures waterfall",
}
# Rooms of a command that is no stage of dvc.yaml: no stage may import them, and they have no params of their own.
COMMANDS = {"study", "predict"}
# It reads the lights and nothing else, hence it has neither a room nor params of its own.
WITHOUT_ROOM = {"verdict"}
LIBRARY = sorted(path for path in ROOT.glob("pipeline/**/*.py") if path.name != "__init__.py")
PACKAGES = sorted(ROOT.glob("pipeline/**/__init__.py"))
SOURCES = sorted([*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("stages/*.py")])


def name_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def room(module):
    return module.split(".")[1]


def arrows():
    """Every import between two modules of the library, as (importer, imported)."""
    for path in LIBRARY:
        for name in imports_of(path):
            if name.startswith("pipeline.") and module_file(name).name != "__init__.py":
                yield name_of(path), name


ARROWS = sorted(arrows())


def test_every_room_is_a_shared_room_or_a_stage():
    assert {room(name_of(path)) for path in LIBRARY} == set(SHARED) | set(STAGES) - WITHOUT_ROOM | COMMANDS
    assert [path.name for path in ROOT.glob("pipeline/*.py")] == ["__init__.py"]


def test_shared_rooms_import_only_what_lies_below_them():
    wrong = [
        (importer, name)
        for importer, name in ARROWS
        if room(importer) in SHARED and room(name) not in (room(importer), *SHARED[room(importer)])
    ]

    assert wrong == []


def test_foundation_imports_nothing_but_its_errors_and_whole_files():
    inside = {name for importer, name in ARROWS if room(importer) == "foundation"}

    assert inside == {"pipeline.foundation.errors", "pipeline.foundation.files"}


def test_a_stage_room_imports_another_only_by_a_listed_arrow():
    found = {
        (room(importer), room(name), name.split(".", 2)[2])
        for importer, name in ARROWS
        if not {room(importer), room(name)} & set(SHARED) and room(importer) != room(name)
    }
    allowed = {arrow: files.split() for arrow, files in UPSTREAM.items()}

    assert [one for one in found if not {"*", one[2]} & set(allowed.get(one[:2], ()))] == []


def test_no_listed_arrow_is_idle():
    used = {(room(importer), room(name)) for importer, name in ARROWS}
    files = {(room(importer), name.split(".", 2)[2]) for importer, name in ARROWS}

    assert set(UPSTREAM) - used == set()
    assert {(a, b) for a, below in SHARED.items() for b in below} - used == set()
    named = [(a, file) for (a, _), files in UPSTREAM.items() if files != "*" for file in files.split()]
    assert [arrow for arrow in named if arrow not in files] == []


@pytest.mark.parametrize(("importer", "target"), sorted(UPSTREAM))
def test_arrows_between_stages_point_upstream(importer, target):
    order = [*STAGES, *sorted(COMMANDS)]

    assert order.index(target) < order.index(importer)


def test_no_module_is_in_a_circle():
    graph = {name_of(path): set() for path in LIBRARY}
    for importer, name in ARROWS:
        graph[importer].add(name)

    assert len(list(TopologicalSorter(graph).static_order())) == len(LIBRARY)  # CycleError names the circle


@pytest.mark.parametrize("file", PACKAGES, ids=lambda file: str(file.parent.relative_to(ROOT)))
def test_a_room_is_introduced_by_one_docstring(file):
    (only,) = ast.parse(file.read_text(encoding="utf-8")).body

    assert ast.get_docstring(ast.Module(body=[only], type_ignores=[]))


def test_the_tree_in_the_readme_is_the_docstrings_of_the_rooms():
    rooms = {
        file.parent.name: ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        for file in PACKAGES
        if file.parent.parent == ROOT / "pipeline"
    }

    assert rooms_of_readme() == rooms


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


@pytest.mark.parametrize("stage", sorted(set(STAGES) - WITHOUT_ROOM))
def test_a_stage_is_one_word_in_five_places(stage):
    for path in (f"stages/{stage}.py", f"params/{stage}.yaml", f"pipeline/{stage}", f"tests/{stage}"):
        assert (ROOT / path).exists(), path


def test_every_test_file_mirrors_the_file_it_tests():
    spanning = {"test_house.py", "test_end_to_end.py", "test_leakage.py", "test_published_systems.py"}
    spanning |= {"test_any_study.py", "stages/test_cluster.py"}
    spanning |= {"test_tracked_params.py", "test_verify.py", "leaks/test_leaks.py"}
    # Several files of one room at once: against PyRadiomics itself, in a browser, every figure.
    spanning |= {"radiomics/test_pyradiomics_oracle.py", "report/test_report_browser.py"}
    spanning |= {"habitat/test_planted_study.py"}
    spanning |= {"report/figures/test_figures.py", "report/figures/test_figures_content.py"}
    places = {path.relative_to(ROOT / "tests") for path in ROOT.glob("tests/**/test_*.py")}
    places = {place for place in places if place.parts[0] != "bad_inputs"}  # what a stage must refuse, a file a stage
    tested = {str(place): place.with_name(place.name.removeprefix("test_")) for place in places}
    beside = {"stages": "", "benchmarks": "tests"}  # benchmarks are no room; a test of one stands beside it
    tops = {name: beside.get(file.parts[0], "pipeline") for name, file in tested.items()}

    assert {name for name, file in tested.items() if not (ROOT / tops[name] / file).exists()} == spanning


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


def test_no_file_has_three_hundred_lines():
    lengths = {str(file.relative_to(ROOT)): len(file.read_text(encoding="utf-8").splitlines()) for file in SOURCES}

    assert {name: length for name, length in lengths.items() if length >= 300} == {}


def test_dvc_yaml_fits_three_hundred_lines():
    assert len((ROOT / "dvc.yaml").read_text(encoding="utf-8").splitlines()) < 300


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
