"""What breaks any stage: the machine, the params, another package. One sentence with a remedy, and no traceback."""

import os
import re
import resource
import subprocess
import sys

import pytest
from places import ROOT
from ruamel.yaml import YAML

from pipeline.agreement.repeats import AgreementParams
from pipeline.benchmark.nested_cv import BenchmarkParams
from pipeline.cohort.cohort import CohortParams
from pipeline.compare.inputs import CompareParams
from pipeline.consistency.consistency import ConsistencyParams
from pipeline.crop.rois import CropParams
from pipeline.demo.patients import DemoParams
from pipeline.embed.params import EmbedParams
from pipeline.explain.examples import ExplainParams
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import CommonParams, load_params, read_yaml
from pipeline.habitat.params import HabitatParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.radiomics.features import RadiomicsParams
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.report.params import ReportParams
from pipeline.segment.params import SegmentParams
from pipeline.selftest.inputs import SelftestParams
from pipeline.split.splits import SplitParams

MODELS = {
    "agreement": AgreementParams,
    "benchmark": BenchmarkParams,
    "cohort": CohortParams,
    "common": CommonParams,
    "compare": CompareParams,
    "consistency": ConsistencyParams,
    "crop": CropParams,
    "demo": DemoParams,
    "embed": EmbedParams,
    "explain": ExplainParams,
    "fusion": FusionParams,
    "habitat": HabitatParams,
    "radiomics": RadiomicsParams,
    "reduce": ReduceParams,
    "report": ReportParams,
    "segment": SegmentParams,
    "selftest": SelftestParams,
    "split": SplitParams,
}
START = """
import os, sys
from pathlib import Path
import numpy as np, pandas as pd
from stages.cli import run
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.tables import write_csv
folder = Path(sys.argv[1])
def die(number): os.kill(os.getpid(), 9)
def main():
    FAULT
run(main)
"""


def run_faulty(folder, fault, *, file_limit=None):
    """A stage that does `fault`, in a process that may write files of at most `file_limit` bytes."""

    def limited():
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    command = [sys.executable, "-c", START.replace("FAULT", fault), str(folder)]
    # Under the limit, Python itself would leave cut files.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        command, cwd=ROOT, env=environment, preexec_fn=limited, capture_output=True, text=True, check=False
    )


# A fault, and the sentence; `a.csv` was there before and must not be lost.
FAULTS = {
    "a disk that takes no more": (
        "write_csv(pd.DataFrame(np.random.random((500, 9))), folder / 'a.csv')",
        r"a\.csv: File too large; free space on this disk, or set FUSION_SCRATCH .*finished cases are kept",
    ),
    "no memory": ("np.ones(1 << 56)", "there is too little memory .*set FUSION_WORKERS to fewer processes"),
    "a killed worker": (
        "list(map_cases(die, range(3), workers=2))",
        "a worker process was killed, most often because there is too little memory; .*FUSION_WORKERS.*cases are kept",
    ),
    "no such file": ("(folder / 'b.csv').open()", r"b\.csv: No such file or directory; run the stage that writes it"),
    "a folder for a file": ("(folder / 'sub').mkdir(); (folder / 'sub').read_text()", "sub: Is a directory; check"),
    "a file for a folder": (
        "write_csv(pd.DataFrame({'x': [1]}), folder / 'a.csv' / 'b.csv')",
        r"a\.csv.*: (File exists|Not a directory); check",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_machine_is_one_sentence(tmp_path, fault):
    happens, sentence = FAULTS[fault]
    (tmp_path / "a.csv").write_text("old\n")
    done = run_faulty(tmp_path, happens, file_limit=4096 if "disk" in fault else None)

    assert done.returncode == 1, done.stderr
    assert re.fullmatch(f"-c: .*{sentence}.*\n", done.stderr), done.stderr
    assert (tmp_path / "a.csv").read_text() == "old\n"
    assert not list(tmp_path.glob("*.partial"))


def test_a_sentence_raised_while_a_stage_is_imported_has_no_traceback(tmp_path):
    (tmp_path / "radiomics.py").touch()
    for stage in ("radiomics", "agreement", "selftest"):
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import stages.{stage}"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

        assert done.returncode == 1
        assert re.fullmatch(r".*radiomics\.py is not PyRadiomics .*; remove it .*\n", done.stderr), done.stderr


def test_every_params_file_has_its_model_here():
    assert {path.stem for path in ROOT.glob("params/*.yaml")} == set(MODELS)


def leaves(content, path=()):
    """The path of every number, also in lists."""
    if isinstance(content, bool) or not isinstance(content, dict | list | int | float):
        return
    if isinstance(content, int | float):
        yield path
        return
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield from leaves(value, (*path, key))


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "1e999"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_number_of_every_params_file_must_be_finite(tmp_path, name, value):
    path = tmp_path / f"{name}.yaml"
    content = read_yaml(ROOT / "params" / f"{name}.yaml")
    load_params(ROOT / "params" / f"{name}.yaml", MODELS[name])
    spoilt = YAML(typ="safe", pure=True).load(value)
    for place in [*leaves(content), ("another",)]:
        inside = content
        for key in place[:-1]:
            inside = inside[key]
        before = inside.get(place[-1]) if isinstance(inside, dict) else inside[place[-1]]
        inside[place[-1]] = spoilt
        with path.open("w") as stream:
            YAML(typ="safe", pure=True).dump(content, stream)
        key = ".".join(str(part) for part in place)
        with pytest.raises(
            ParamsError, match=rf"{name}\.yaml: key '{key}' has the value -?(nan|inf): must be a finite"
        ):
            load_params(path, MODELS[name])
        inside[place[-1]] = before
        if before is None:
            del inside[place[-1]]


def test_a_number_that_is_not_finite_is_refused_in_settings_that_are_passed_on(tmp_path):
    path = tmp_path / "radiomics.yaml"
    path.write_text("preset: null\nsettings: {setting: {binWidth: .inf, resampledPixelSpacing: [1, .nan, 1]}}\n")
    with pytest.raises(ParamsError, match=r"(?s)2 values .*settings\.setting\.binWidth.*resampledPixelSpacing\.1"):
        load_params(path, RadiomicsParams)
