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
from pipeline.segment.params import SegmentParams
from pipeline.selftest.inputs import SelftestParams
from pipeline.split.splits import SplitParams

MODELS = {
    "benchmark": BenchmarkParams,
    "cohort": CohortParams,
    "compare": CompareParams,
    "embed": EmbedParams,
    "fusion": FusionParams,
    "radiomics": RadiomicsParams,
    "segment": SegmentParams,
    "selftest": SelftestParams,
    "split": SplitParams,
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
    named = {primary.feature_set, primary.comparator} if primary else set()
    assert named | {params["selftest"].feature_set} <= set(sets)
    assert params["selftest"].classifier in params["benchmark"].classifiers


SMALL_NETWORKS = {
    "gland": {"root": "glands", "block_frames": 2},
    "input": {"image_size_px": 32},
    "network": {"width": 4},
    "training": {"epochs": 1, "batch_size": 8},
    "bootstrap": {"replicates": 20},
}
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
    "trfe-net": {"segment": SMALL_NETWORKS | {"networks": ["trfeplus"]}},
    "trfe-net-as-published": {"segment": SMALL_NETWORKS | {"networks": ["unet", "trfe"]}},
}


def merged_into(content, values):
    """`content` with the values, key by key."""
    for key, value in values.items():
        content[key] = merged_into(content.get(key, {}), value) if isinstance(value, dict) else value
    return content


@pytest.fixture(autouse=True)
def _one_process(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_WORKERS", "1")
    monkeypatch.setenv("FUSION_DEVICE", "cpu")
    monkeypatch.chdir(tmp_path)


def small(system):
    """The params of a system, small."""
    params = deepcopy(SYSTEMS[system])
    for name, values in (SMALL[system] | {"selftest": {"feature_set": "radiomics"}}).items():
        params[name] = merged_into(params.get(name, {}), values)
    return params


@pytest.mark.parametrize("system", sorted(set(SYSTEMS) - {"trfe-net-as-published"}))
def test_a_system_runs_from_its_source_to_the_verdict(system, tmp_path):
    params = small(system)
    run = AnyRun(tmp_path, params=params, study=some())
    if system == "trfe-net":
        run.as_tn3k()
    elif system == "ptcr-net":
        run.as_mmcls()
    elif "dualview" in params["embed"]:
        run.second_view(tuple(params["embed"]["dualview"]["views"]))

    run.all()

    assert "red" not in run.lights().values()
    models = set(pd.read_csv("reports/own/tables/metrics.csv")["feature_set"])
    assert set(params["fusion"]["sets"]) | set(params.get("embed", {}).get("nets", ())) <= models
    if system == "trfe-net":
        check_five_folds(params["segment"]["networks"])


def check_five_folds(networks, *, parity=0):
    """Each image of trainval is scored by the network of its published fold; the five folds and their mean on test."""
    names = ("segmentation", "segmentation_summary")
    rows, summary = (pd.read_csv(f"reports/own/tables/{name}.csv", dtype={"resample": "str"}) for name in names)
    dice = summary[summary["metric"] == "dice_mean"].set_index(["network", "evaluation"])
    splits, patients = pd.read_csv("data/splits.csv"), pd.read_csv("data/patients.csv").set_index("patient_id")

    assert set(rows["parity"]) == set(summary["parity"]) == {parity}
    for network in networks:
        assert dice.loc[(network, "cv"), ["n_resamples", "n_images"]].tolist() == [5, 30]
        assert dice.loc[(network, "folds_internal"), ["n_resamples", "n_images"]].tolist() == [5, 10]
        assert dice.loc[(network, ["cv", "folds_internal"]), "sd_folds"].notna().all()  # mean and SD over the folds
        assert dice.loc[(network, "ensemble_internal"), "n_images"] == 10
    held_out = splits[splits["role"] == "cv"]
    folds = patients.loc[held_out["patient_id"], "fold"].groupby(held_out["resample"].to_numpy()).unique()
    assert [one.tolist() for one in folds] == [[0], [1], [2], [3], [4]]


def test_trfe_net_as_published_says_so_in_every_table(tmp_path):
    params = small("trfe-net-as-published")
    run = AnyRun(tmp_path, params=params, study=some())
    run.as_tn3k()

    run.all(until="crop")

    check_five_folds(params["segment"]["networks"], parity=1)
    tests = pd.read_csv("reports/own/tables/segmentation_tests.csv")
    summary = pd.read_csv("reports/own/tables/segmentation_summary.csv")
    assert set(tests["parity"]) <= {1}
    assert {"dice_mean", "dice_parity", "auc_parity", "hd95_all_foreground_parity"} <= set(summary["metric"])
