"""The params of the published systems, as README gives them, are allowed and name only what is there."""

import re
from copy import deepcopy

import pandas as pd
import pytest
from any_run import AnyRun, some
from places import ROOT
from ruamel.yaml import YAML

from pipeline.benchmark.nested_cv import BenchmarkParams
from pipeline.cohort.cohort import CohortParams
from pipeline.embed.params import EmbedParams
from pipeline.foundation.params import load_params
from pipeline.plan.comparison import CompareParams
from pipeline.plan.feature_sets import FusionParams, network_behind
from pipeline.radiomics.features import RadiomicsParams
from pipeline.selftest.inputs import SelftestParams

MODELS = {
    "benchmark": BenchmarkParams,
    "cohort": CohortParams,
    "compare": CompareParams,
    "embed": EmbedParams,
    "fusion": FusionParams,
    "radiomics": RadiomicsParams,
    "selftest": SelftestParams,
}
(BLOCK,) = re.findall(r"```yaml\n(thy-dl.+?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
SYSTEMS = YAML(typ="safe").load(BLOCK)


def merge(content, values):
    for key, value in values.items():
        assert key in content, f"no such key: {key}"
        if isinstance(value, dict) and key != "sets":
            merge(content[key], value)
        else:
            content[key] = value


def changed(folder, name, *, values):
    """The shipped params file `name` with these values, loaded."""
    yaml = YAML()
    content = yaml.load((ROOT / "params" / f"{name}.yaml").read_text(encoding="utf-8"))
    merge(content, values)
    path = folder / f"{name}.yaml"
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    return load_params(path, MODELS[name])


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_params_are_allowed_and_fit_together(system, tmp_path):
    assert set(SYSTEMS[system]) <= set(MODELS)
    params = {name: changed(tmp_path, name, values=SYSTEMS[system].get(name, {})) for name in MODELS}
    nets, sets, primary = params["embed"].nets, params["fusion"].sets, params["compare"].primary

    for block in params["fusion"].blocks:
        assert block in ("clinical", "radiomics") or network_behind(block, nets=nets), block
    assert {primary.feature_set, primary.comparator, params["selftest"].feature_set} <= set(sets)
    assert params["selftest"].classifier in params["benchmark"].classifiers


# What makes each system small enough for a test. One layer of DenseNet121 exists at 224 px alone.
SMALL = {
    "thy-dl-radiomics": {
        "radiomics": {"settings": None},
        "embed": {
            "input": {"image_size_px": 80},
            "densenet121": {"layer": "gap1024"},
            "inception3": {"image_size_px": None},
            "vit": {"image_size_px": 80},
        },
    },
    "ptcr-net": {"embed": {"input": {"image_size_px": 64}}},
    "dual-channel": {"embed": {"input": {"image_size_px": 32}}},
    "t4-t11": {"embed": {"input": {"image_size_px": 32}}},
}


def merged_into(content, values):
    """`content` with the values, key by key."""
    for key, value in values.items():
        content[key] = merged_into(content.get(key, {}), value) if isinstance(value, dict) else value
    return content


@pytest.mark.parametrize("system", sorted(SYSTEMS))
def test_a_system_runs_from_its_source_to_the_verdict(system, tmp_path, monkeypatch):
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.setenv("FUSION_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)
    params = deepcopy(SYSTEMS[system])
    for name, values in (SMALL[system] | {"selftest": {"feature_set": "radiomics"}}).items():
        params[name] = merged_into(params.get(name, {}), values)
    run = AnyRun(tmp_path, params=params, study=some())
    if system == "ptcr-net":
        run.as_mmcls()
    elif "dualview" in params["embed"]:
        run.second_view(tuple(params["embed"]["dualview"]["views"]))

    run.all()

    assert "red" not in run.lights().values()
    models = set(pd.read_csv("reports/own/tables/metrics.csv")["feature_set"])
    assert set(params["fusion"]["sets"]) | set(params["embed"]["nets"]) <= models
