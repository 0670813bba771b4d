"""DVC tracks the params that a stage uses, and no more: a change of any other key leaves the stage as it is."""

import shutil
from pathlib import Path

import pytest
from house import dvc_stages
from places import ROOT
from ruamel.yaml import YAML

from pipeline.embed.case_store import SHARED
from pipeline.foundation.params import read_yaml

STAGES = dvc_stages()
FILES = sorted(path.name for path in ROOT.glob("params/*.yaml"))


def tracked(stage, file):
    """The keys of a params file that a stage tracks: None for the whole file, () where it does not name the file."""
    for entry in STAGES[stage]["params"]:
        if f"params/{file}" in entry:
            return entry[f"params/{file}"]
    return ()


def changed(value):
    """Another value of the same place in a params file."""
    return {**value, "another": 1} if isinstance(value, dict) else f"not {value}"


def is_used(key, keys):
    return keys is None or any(key == one.partition(".")[0] for one in keys)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """The project's own dvc.yaml and params as a DVC repository, with no data."""
    from dvc.repo import Repo

    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(ROOT / "dvc.yaml", folder)
    shutil.copytree(ROOT / "params", folder / "params")
    repo = Repo.init(str(folder), no_scm=True)
    yield repo
    repo.close()


def told_by_dvc(repository, file, content):
    """The stages of which `dvc status` would report params after `file` holds `content`."""
    from dvc.dependency.param import ParamsDependency

    path = Path(repository.root_dir) / "params" / file
    before = path.read_text(encoding="utf-8")
    deps = [(one, dep) for one in repository.index.stages for dep in one.deps if isinstance(dep, ParamsDependency)]
    deps = [(one, dep) for one, dep in deps if dep.fs_path == str(path)]
    for _, dep in deps:
        dep.fill_values(dep.read_params())
        dep.save()
    with path.open("w", encoding="utf-8") as stream:
        YAML().dump(content, stream)
    found = {one.name.partition("@")[0] for one, dep in deps if dep.status()}
    path.write_text(before, encoding="utf-8")
    return found


@pytest.mark.parametrize(("file", "key"), [(file, key) for file in FILES for key in read_yaml(ROOT / "params" / file)])
def test_a_key_runs_again_the_stages_that_use_it_and_no_other(repository, file, key):
    content = read_yaml(ROOT / "params" / file)
    expected = {stage for stage in STAGES if is_used(key, tracked(stage, file))}
    if (file, key) == ("embed.yaml", "training"):
        expected -= {"explain"}  # it uses training.torch_threads alone

    assert told_by_dvc(repository, file, content | {key: changed(content[key])}) == expected


def test_a_store_of_trainings_depends_on_the_keys_that_dvc_tracks():
    assert tracked("embed", "embed.yaml") == list(SHARED)


def test_only_the_report_and_its_own_stage_track_whole_files_of_others():
    whole = {
        (stage, file) for stage in STAGES for file in FILES if tracked(stage, file) is None and file != f"{stage}.yaml"
    }

    assert {one for one in whole if one[0] != "report"} == {
        ("agreement", "crop.yaml"),  # repeats are cropped and extracted as the first masks are
        ("agreement", "habitat.yaml"),
        ("agreement", "radiomics.yaml"),
        ("benchmark", "common.yaml"),  # the seed and the threshold rule: all of the file
        ("embed", "common.yaml"),
        ("habitat", "crop.yaml"),  # its margin must reach the rings
        ("habitat", "fusion.yaml"),
        ("habitat", "radiomics.yaml"),  # habitats and rings are measured as lesions are
        ("reduce", "fusion.yaml"),  # the halves of every set depend on the networks of all
        ("selftest", "common.yaml"),
        ("selftest", "crop.yaml"),
        ("selftest", "habitat.yaml"),
        ("selftest", "radiomics.yaml"),
        ("selftest", "reduce.yaml"),
    }
