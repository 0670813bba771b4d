"""A drawn study of any kind, run from its source to the verdict by the commands of dvc.yaml, in this process."""

import importlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import SimpleITK as sitk
from drawn_nodules import write_glands
from leaky_study import Study, clean, write_study
from PIL import Image
from places import ROOT
from ruamel.yaml import YAML
from scipy.ndimage import binary_erosion

from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.images import image_from
from pipeline.foundation.tables import read_table

PATIENTS = 40
SLICES = 8
# What makes a run short; each study changes the rest.
TINY: dict[str, dict[str, Any]] = {
    "agreement": {"images": 24, "repeats": 1},
    "benchmark": {"classifiers": ["lr"], "grids": {"lr": [1.0]}, "trees": 20, "tuning_trees": 20},
    "cohort": {"root": "source", "reports": "reports/own", "tables": {"min_class_count": 5, "min_test_class_count": 2}},
    "compare": {"primary": {"evaluation": "internal"}, "bootstrap": {"replicates": 20}},
    "embed": {"nets": [], "input": {"image_size_px": 32}, "training": {"epochs": 1}},
    "explain": {"examples": 1, "panel_px": 64},
    "fusion": {"sets": {"clinical": ["clinical"], "combined": ["clinical", "radiomics"]}},
    "radiomics": {
        "preset": None,
        "settings": {"imageType": {"Original": {}}, "setting": {"binCount": 32, "force2D": False}},
    },
    "reduce": {"lasso": {"n_lambdas": 12, "folds": 3, "min_lambda_ratio": 0.1}, "half_samples": 2},
    "report": {"synthetic": True},
    "segment": {
        "input": {"image_size_px": 32},
        "network": {"width": 4},
        "training": {"epochs": 2, "batch_size": 8},
        "bootstrap": {"replicates": 20},
    },
    "selftest": {"feature_set": "combined", "control_voxels": 1_000_000},
    "split": {"folds": 2},
}
WHOLE = ("sets", "settings", "blocks")  # mappings that are replaced, not changed key by key
Params = dict[str, dict[str, Any]]


def changed(content: Any, values: Any) -> Any:
    """`content` with the values changed."""
    for key, value in values.items():
        deep = isinstance(value, dict) and isinstance(content[key], dict) and key not in WHOLE
        content[key] = changed(content[key], value) if deep else value
    return content


def some(study: Study | None = None) -> Study:
    """A clean study of few patients, of one site: with two, the outcomes would also be shuffled within sites."""
    few = (study or clean())[:PATIENTS]
    for one in few:
        one.site = "Leeds"
    return few


class AnyRun:
    """One study in one folder; the test's working folder must be that folder."""

    def __init__(self, folder: Path, *, params: Params, study: Study | None = None) -> None:
        """Write the parameters, and `study` as the source (None = the test writes the source)."""
        self.folder = folder
        (folder / "params").mkdir(parents=True)
        yaml = YAML(typ="safe", pure=True)
        for path in (ROOT / "params").glob("*.yaml"):
            content = yaml.load(path.read_text(encoding="utf-8"))
            content = changed(changed(content, TINY.get(path.stem, {})), params.get(path.stem, {}))
            with (folder / "params" / path.name).open("w", encoding="utf-8") as stream:
                yaml.dump(content, stream)
        if study is not None:
            write_study(study, folder=folder / "source")

    def params(self, name: str) -> dict[str, Any]:
        """The content of a params file."""
        found: dict[str, Any] = YAML(typ="safe", pure=True).load(
            (self.folder / "params" / f"{name}.yaml").read_text(encoding="utf-8")
        )
        return found

    def commands(self) -> Iterator[tuple[str, list[str]]]:
        """The stage and the words of each command of dvc.yaml in its order, but for the demo; every dep must exist."""
        content = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
        cohort = self.params("cohort")
        known = {
            "root": cohort["root"],
            "reports": cohort["reports"],
            "gland.root": self.params("segment")["gland"]["root"],
            "near_duplicates": cohort["near_duplicates"],
            "tables.min_test_class_count": cohort["tables"]["min_test_class_count"],
        }
        lists = {"${nets}": self.params("embed")["nets"], "${sets}": list(self.params("fusion")["sets"])}
        for name, stage in content["stages"].items():
            if name == "demo":
                continue
            for item in lists.get(stage.get("foreach"), [None]):
                values = known | {"item": item, "key": item}
                one = stage.get("do", stage)
                self._check_deps([_filled(dep, values) for dep in one["deps"]], stage=name)
                yield name, shlex.split(_filled(one["cmd"], values))

    def _check_deps(self, deps: list[str], *, stage: str) -> None:
        data = [dep for dep in deps if dep.startswith(("data/", "reports/")) and dep != "data/raw/demo"]
        assert [dep for dep in data if not (self.folder / dep).exists()] == [], f"{stage}: as DVC would say"

    def all(self, *, until: str | None = None) -> None:
        """Run every stage, or all before `until`."""
        for stage, words in self.commands():
            if stage == until:
                return
            with patch("sys.argv", [stage, *words[3:]]):
                importlib.import_module(f"stages.{stage}").main()

    def lights(self) -> dict[str, str]:
        """The light of every check."""
        table = read_table(self.folder / "reports" / "own" / "tables" / "selftest.csv", SELFTEST)
        return dict(zip(table["check"], table["light"], strict=True))

    def page(self) -> str:
        """The report."""
        return (self.folder / "reports" / "own" / "report.html").read_text(encoding="utf-8")

    def second_view(self, views: tuple[str, str]) -> None:
        """Give every patient a second image, drawn apart; the images of a patient are of these two views."""
        path = self.folder / "source" / "manifest.csv"
        first = pd.read_csv(path, dtype="str")
        write_study(some(clean(seed=9)), folder=self.folder / "source" / "second")
        second = first.assign(image="second/" + first["image"], mask="second/" + first["mask"], view=views[1])
        pd.concat([first.assign(view=views[0]), second]).to_csv(path, index=False)

    def as_volumes(self) -> None:
        """Make each image a volume of SLICES slices of 2 mm, like a CT: the lesion is smaller in the outer slices."""
        path = self.folder / "source" / "manifest.csv"
        rows = pd.read_csv(path, dtype="str")
        for number, row in enumerate(rows.itertuples()):
            frame, mask = (np.asarray(Image.open(path.parent / name)) for name in (row.image, row.mask))
            noise = np.random.default_rng([4, number]).normal(scale=10, size=(SLICES, *frame.shape))
            voxels = (3 * frame.astype(np.float64) + noise - 200).astype(np.int16)
            edge = abs(np.arange(SLICES) - (SLICES - 1) / 2)
            lesion = [binary_erosion(mask > 0, iterations=int(2 * far)) if far < 3 else mask * 0 for far in edge]
            for folder, array in (("images", voxels), ("masks", np.array(lesion, dtype=np.uint8))):
                volume = image_from(array, spacing_mm=(1.0, 1.0, 2.0))
                sitk.WriteImage(volume, str(path.parent / folder / f"{number:03d}.nii.gz"))
        names = [f"{number:03d}.nii.gz" for number in range(len(rows))]
        self.edit_manifest(image=[f"images/{name}" for name in names], mask=[f"masks/{name}" for name in names])

    def as_mmcls(self) -> None:
        """Write the lists of the source mmcls for the images of the manifest; the last quarter is for the test."""
        rows = pd.read_csv(self.folder / "source" / "manifest.csv", dtype="str")
        lines = [f"{image} {label}\n" for image, label in zip(rows["image"], rows["label"], strict=True)]
        cut = len(lines) * 3 // 4
        meta = self.folder / "source" / "meta"
        meta.mkdir()
        (meta / "train.txt").write_text("".join(lines[:cut]), encoding="utf-8")
        (meta / "test.txt").write_text("".join(lines[cut:]), encoding="utf-8")

    def as_tn3k(self) -> None:
        """Write the folder of TN3K with the images of the manifest: a quarter is its test folder, the masks are lossy,
        and each of the five folds has its share of both classes. Beside it `glands`, in the layout of TG3K.
        """
        rows = pd.read_csv(self.folder / "source" / "manifest.csv", dtype="str").sort_values("label", kind="stable")
        in_test = np.arange(len(rows)) % 4 == 3
        for part, found in (("trainval", rows[~in_test]), ("test", rows[in_test])):
            names = [f"{number:04d}.jpg" for number in range(len(found))]
            for kind in ("image", "mask"):
                (self.folder / "source" / f"{part}-{kind}").mkdir()
                for name, file in zip(names, found[kind], strict=True):
                    picture = Image.open(self.folder / "source" / file)
                    picture.save(self.folder / "source" / f"{part}-{kind}" / name, quality=95)
            lines = (f"{name},{label}\n" for name, label in zip(names, found["label"], strict=True))
            (self.folder / "source" / f"label4{part}.csv").write_text("".join(lines), encoding="utf-8")
        places = list(range(int((~in_test).sum())))
        for fold in range(5):
            content = {"val": places[fold::5], "train": [place for place in places if place % 5 != fold]}
            path = self.folder / "source" / f"tn3k-trainval-fold{fold}.json"
            path.write_text(json.dumps(content), encoding="utf-8")
        write_glands(self.folder / "glands", names=("thyroid-image", "thyroid-mask"))

    def edit_manifest(self, **columns: Any) -> None:
        """Give the manifest these columns."""
        path = self.folder / "source" / "manifest.csv"
        pd.read_csv(path, dtype="str").assign(**columns).to_csv(path, index=False)


def _filled(text: str, values: dict[str, Any]) -> str:
    return re.sub(r"\$\{([\w.]+)\}", lambda found: str(values[found[1]]), text)
