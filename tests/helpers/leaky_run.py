"""The pipeline's own stages on a leaky study, in this process, with the shipped parameters made small."""

import importlib
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from leaky_study import LEAKS, clean, write_study
from places import ROOT
from ruamel.yaml import YAML

from pipeline.contracts.data.agreement import REPEATS
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from pipeline.selftest.data_checks import data_checks
from pipeline.selftest.inputs import MIN_SHUFFLES, SelftestParams, read_inputs
from pipeline.selftest.sham_labels import WITHIN_SITE, sham_checks, sham_study, shuffled_auc, shuffles
from stages.selftest import negative_controls

SMALL: dict[str, dict[str, Any]] = {
    "cohort": {"manifest": {"blocks": {"deep": {"table": "deep.csv", "trained_on": "nobody"}}}},
    "radiomics": {
        "preset": None,
        "settings": {"imageType": {"Original": {}}, "setting": {"binCount": 32, "force2D": False}},
    },
    "embed": {"nets": []},
    "fusion": {
        "sets": {"clinical": ["clinical"], "combined": ["clinical", "radiomics"], "deep": ["deep"]},
    },
    "compare": {
        "primary": {"feature_set": "combined", "comparator": "clinical", "evaluation": "internal"},
        "bootstrap": {"replicates": 0},
    },
    "reduce": {"lasso": {"n_lambdas": 15, "folds": 3}, "agreement": None, "half_samples": 0},
    "benchmark": {"classifiers": ["lr"], "grids": {"lr": [1.0]}},
    "selftest": {"feature_set": "combined"},
}


def merged(content: Any, values: dict[str, Any]) -> Any:
    """`content` with the values changed; `sets`, `settings` and `blocks` are replaced whole."""
    whole = ("sets", "settings", "blocks")
    for key, value in values.items():
        deep = isinstance(value, dict) and isinstance(content[key], dict) and key not in whole
        content[key] = merged(content[key], value) if deep else value
    return content


class LeakyRun:
    """One study in one folder, and the stages that have run on it."""

    def __init__(self, folder: Path, *, leak: str | None, params: dict[str, dict[str, Any]] | None = None) -> None:
        self.folder = folder
        study = clean() if leak is None else LEAKS[leak](clean())
        write_study(study, folder=folder / "source")
        (folder / "params").mkdir()
        for path in (ROOT / "params").glob("*.yaml"):
            content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
            content = merged(merged(content, SMALL.get(path.stem, {})), (params or {}).get(path.stem, {}))
            with (folder / "params" / path.name).open("w", encoding="utf-8") as stream:
                YAML(typ="safe", pure=True).dump(content, stream)

    def path(self, name: str) -> Path:
        """A file of the project, such as `data/cohort.csv`."""
        return self.folder / name

    def stage(self, stage: str, *words: str, **paths: str) -> None:
        """Run a stage in this process, with `--flag path` for each of `paths`, and the other flags as `words`."""
        flags = [part for name, path in paths.items() for part in (f"--{name.replace('_', '-')}", str(self.path(path)))]
        with patch("sys.argv", [stage, "--params", str(self.path(f"params/{stage}.yaml")), *flags, *words]):
            importlib.import_module(f"stages.{stage}").main()

    def cohort(self) -> None:
        """Import and audit."""
        self.stage(
            "cohort",
            root="source",
            cohort="data/cohort.csv",
            patients="data/patients.csv",
            audit="data/audit.csv",
            images="data/images",
            masks="data/masks",
            blocks="data/blocks",
            origins="data/block_origins.csv",
            near="data/near_duplicates",
        )

    def features(self) -> None:
        """Splits, crop and radiomics."""
        words = ("common", "fusion", "compare", "embed", "agreement", "reduce", "selftest")
        plan = {name: f"params/{name}.yaml" for name in words}
        plan |= {"patients": "data/patients.csv", "blocks": "data/blocks", "cohort": "data/cohort.csv"}
        made = {"splits": "data/splits.csv", "settings": "data/settings", "planned": "data/networks/planned.json"}
        self.stage("split", "--min-test-class-count", "10", **made, **plan)
        table = {"table": "data/rois.csv", "rois": "data/rois", "predicted": "data/predicted_rois.csv"}
        masks = {"predicted_masks": "data/segment/masks", "predictions": "data/segment/masks.csv"}
        write_table(MASKS.empty(), self.path(masks["predictions"]), MASKS)  # no mask is predicted
        self.path("data/segment/networks").mkdir()
        self.stage("crop", cohort="data/cohort.csv", images="data/images", masks="data/masks", **masks, **table)
        made = {"features": "data/features", "dictionary": "data/dictionary.csv"}
        made |= {"engine_check": "data/engine_check.csv", "common": "params/common.yaml"}
        self.stage("radiomics", use="data/settings/radiomics.json", **made, **table)

    def models(self) -> None:
        """Reduction, classifiers, comparison and consistency of every set."""
        tables = {name: f"data/{name}.csv" for name in ("cohort", "patients", "splits", "repeats")}
        plan = {name: f"params/{name}.yaml" for name in ("common", "fusion", "embed")}
        write_table(REPEATS.empty(), self.path(tables["repeats"]), REPEATS)  # agreement is off
        for name in SMALL["fusion"]["sets"]:
            made = ("reduced", "selected", "lasso", "half_samples", "lasso_paths")
            paths = tables | plan | {kind: f"data/{kind}/{name}.csv" for kind in made}
            folders = {"features": "data/features", "blocks": "data/blocks", "reducers": f"data/reducers/{name}"}
            self.stage("reduce", "--set", name, **folders, **paths)
            used = {kind: paths[kind] for kind in ("common", "reduced", "selected", "patients", "splits")}
            self.stage(
                "benchmark",
                "--set",
                name,
                predictions=f"data/predictions/{name}.csv",
                models=f"data/models/{name}",
                **used,
            )
        given = {"fusion": plan["fusion"], "embed": plan["embed"], "predictions": "data/predictions"}
        self.stage("compare", tables="reports/tables", metrics="reports/metrics.json", **given)
        self.stage("consistency", metrics="reports/tables/metrics.csv", out="reports/tables")

    def selftest_flags(self) -> dict[str, str]:
        """The flags of the stage `selftest` that are paths."""
        params = ("common", "reduce", "benchmark", "fusion", "embed", "crop", "radiomics")
        tables = ("cohort", "patients", "splits", "repeats")
        folders = ("images", "masks", "features", "blocks", "predictions", "networks")
        self.path("data/networks").mkdir(exist_ok=True)
        return {
            **{name: f"params/{name}.yaml" for name in params},
            **{name: f"data/{name}.csv" for name in tables},
            **{name: f"data/{name}" for name in folders},
            "table": "data/rois.csv",
            "origins": "data/block_origins.csv",
            "near": "data/near_duplicates",
            "engine_check": "data/engine_check.csv",
            "habitat": "params/habitat.yaml",
            "predicted": "data/predicted_rois.csv",
            "rois": "data/rois",
            "regions": "data/habitat",
            "mask_predictions": "data/segment/masks.csv",
            "mask_networks": "data/segment/networks",
            "chosen": "reports/tables/chosen.csv",
            "consistency": "reports/tables/consistency.csv",
        }

    def lights(self) -> dict[str, tuple[str, float]]:
        """Run the stage `selftest`: the light and the value of every check."""
        self.stage("selftest", "--near-duplicates", "join", tables="reports/tables", **self.selftest_flags())
        table = read_table(self.path("reports/tables/selftest.csv"), SELFTEST)
        return {row.check: (row.light, row.value) for row in table.itertuples()}

    def controls(self) -> dict[str, tuple[str, float]]:
        """The light and the value of the negative controls and of what the user declared, without the shuffles."""
        given = {name: self.path(path) for name, path in self.selftest_flags().items()}
        params = load_params(self.path("params/selftest.yaml"), SelftestParams)
        inputs = read_inputs(given, params=params)
        store = CheckpointStore(self.path("scratch"), key="controls")
        places = {"images": given["images"], "masks": given["masks"]}
        measured = ContentStore(self.path("scratch/store"), limit_bytes=10**9)
        checks, _ = negative_controls(
            inputs, params=params, store=store, measured=measured, spread=partial(map_cases, workers=1), **places
        )
        checks += data_checks(inputs, given=given, near_duplicates="join")
        return {check.check: (check.light, float("nan") if check.value is None else check.value) for check in checks}

    def site(self) -> tuple[str, float]:
        """The light and the value of the outcomes that are shuffled within each site."""
        given = {name: self.path(path) for name, path in self.selftest_flags().items()}
        inputs = read_inputs(given, params=load_params(self.path("params/selftest.yaml"), SelftestParams))
        study = sham_study(inputs.tables, recipe=inputs.recipe)
        store = CheckpointStore(self.path("scratch"), key="site")
        cases = [case for case in shuffles(MIN_SHUFFLES, sites=2) if case.kind == WITHIN_SITE]
        done = [(case, *shuffled_auc(case, study=study, store=store)) for case in cases]
        (check,) = [check for check in sham_checks(done) if check.check == "sham_within_site"]
        return check.light, float("nan") if check.value is None else check.value
