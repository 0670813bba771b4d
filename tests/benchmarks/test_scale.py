"""The arithmetic of the scale benchmark, and that what it draws is a study under the contracts."""

import json
import sys

import numpy as np
import pytest
from places import ROOT
from ruamel.yaml import YAML

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.embed import read_embedded_ids
from pipeline.contracts.data.radiomics import RADIOMICS
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.tables import check_table, read_table, write_table
from pipeline.selftest.membership import networks_checks, scored_check
from pipeline.split.splits import SplitParams, split_table
from tests.benchmarks.scale import GIB, Cost, Run, commands, exponents, measure, needed, report
from tests.benchmarks.scale_study import FEATURES, NET, draw, write_network, write_study


def cost(seconds, *, finished=True):
    return Cost(wall_s=3 * seconds, busy_s=seconds, peak_bytes=GIB, finished=finished)


def test_the_exponent_of_a_power_is_its_power():
    slopes = exponents({size: 0.01 * size**1.5 for size in (5000, 200, 1000)})
    assert slopes == pytest.approx({(200, 1000): 1.5, (1000, 5000): 1.5, (200, 5000): 1.5})
    assert exponents({200: 1.0}) == {}


def test_a_stopped_stage_has_no_exponent_at_that_size():
    runs = [Run(stage="reduce", patients=size, cost=cost(size / 100)) for size in (100, 200)]
    runs.append(Run(stage="reduce", patients=400, cost=cost(9, finished=False)))
    (line,) = report(runs)
    assert line.endswith("exponent 100 to 200: 1.00; 1.00 GiB at 200")
    assert "stopped after 27 s" in str(runs[-1])


def test_the_commands_are_those_of_dvc_yaml():
    found = commands(ROOT / "dvc.yaml", sets=["radiomics", "fusion"])
    assert list(found)[:3] == ["split", "reduce radiomics", "benchmark radiomics"]
    assert not [word for command in found.values() for word in command if "${" in word]
    assert needed("benchmark fusion", before=list(found)[:4]) == ["reduce fusion"]
    assert needed("compare", before=list(found)[:5]) == list(found)[:5]


def test_what_is_drawn_is_all_that_the_stages_read(tmp_path):
    drawn = draw(24, seed=1)
    write_study(tmp_path, drawn=drawn, seed=1)
    splits = split_table(drawn.patients, params=SplitParams(folds=2, repeats=1, holdout_fraction=0.25), seed=1)
    write_table(splits, tmp_path / "data" / "splits.csv", SPLITS)
    write_network(tmp_path / "data", drawn=drawn, seed=1)
    stages = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    run = {name.split()[0]: stages[name.split()[0]] for name in commands(ROOT / "dvc.yaml", sets=["fusion"])}
    declared = [about.get("do", about) for about in run.values()]
    made = {path for about in declared for path in about["outs"] if isinstance(path, str)}
    read = {path for about in declared for path in about["deps"] if path.startswith("data/") and "${" not in path}

    assert len(read) > 15
    assert sorted(path for path in read - made if not (tmp_path / path).exists()) == []


def test_a_command_is_measured_with_its_children_and_stopped(tmp_path):
    child = "import time; held = b'1' * 200_000_000; time.sleep(60)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    found = measure([sys.executable, "-c", parent], folder=tmp_path, limit_s=2.0, log=tmp_path / "log")
    assert not found.finished
    assert found.peak_bytes > 200_000_000
    failing = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    with pytest.raises(RuntimeError, match="no such thing"):
        measure(failing, folder=tmp_path, limit_s=60, log=tmp_path / "log")


def test_the_drawn_study_keeps_the_contracts_and_leaks_nothing(tmp_path):
    drawn, data = draw(24, seed=1), tmp_path / "data"
    assert draw(24, seed=1).patients.equals(drawn.patients)
    write_study(tmp_path, drawn=drawn, seed=1)
    splits = split_table(drawn.patients, params=SplitParams(folds=2, repeats=1, holdout_fraction=0.25), seed=1)
    check_table(splits, SPLITS, place="splits")
    cohort = read_table(data / "cohort.csv", COHORT)
    assert read_table(data / "patients.csv", PATIENTS)["site"].nunique() == 2
    assert cohort.groupby("patient_id").size().eq(3).all()
    assert len(FEATURES) == len(set(FEATURES)) == 1311
    features = read_table(data / "features" / "radiomics.csv", RADIOMICS)
    assert np.isfinite(features[FEATURES].to_numpy()).all()

    write_table(splits, data / "splits.csv", SPLITS)
    write_network(data, drawn=drawn, seed=1)
    owner = cohort.set_index("image_id")["patient_id"]
    embedded = read_embedded_ids(data / "features" / f"{NET}.csv")
    embedded["patient_id"] = embedded.pop("image_id").map(owner)
    cards = {NET: [json.loads(card.read_text()) for card in (data / "networks" / NET).glob("*.json")]}
    groups = {NET: dict(zip(drawn.patients["patient_id"], drawn.patients["group_id"], strict=True))}
    (light,) = networks_checks(cards, embedded={NET: embedded}, splits=splits, groups=groups)
    assert light.light == "green"
    head = read_table(data / "predictions" / f"{NET}_head.csv", PREDICTIONS)
    assert scored_check(head, splits=splits).light == "green"
