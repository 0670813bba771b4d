"""A drawn study in which only the fraction of a dark sub-region of the lesion carries the outcome.

Mean, SD and shape of the lesion have one distribution in all patients. Speckle of a strength and skewness of its own in
each patient drowns the histogram and the texture of the whole lesion; a local mean averages it away.
"""

import importlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from places import ROOT
from scipy.ndimage import gaussian_filter

from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.tables import write_table
from pipeline.habitat.lesions import Lesion, lesions_of
from pipeline.habitat.params import HabitatParams
from pipeline.split.splits import SplitParams, split_table

SIDE_PX = 64
SHIPPED = load_params(ROOT / "params" / "habitat.yaml", HabitatParams)
PARAMS = SHIPPED.model_copy(update={"k": 3, "radiomics": None})
SMALL = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean", "Entropy"]}, "setting": {"binCount": 8}}
SPREAD = partial(map_cases, workers=1)


@dataclass(frozen=True, kw_only=True)
class Planted:
    """The tables of the study, its folder of ROIs, and the fraction that was drawn for each patient."""

    patients: pd.DataFrame
    splits: pd.DataFrame
    cohort: pd.DataFrame
    rois: pd.DataFrame
    folder: Path
    fractions: NDArray[np.float64]

    def lesions(self) -> dict[str, list[Lesion]]:
        """The lesions by resample."""
        return dict.fromkeys(sorted(self.splits["resample"].unique()), lesions_of(self.rois, folder=self.folder))

    def store(self) -> ContentStore:
        """A store of its own."""
        return ContentStore(self.folder.parent / "store", limit_bytes=10**9)


def planted_habitats(folder: Path, *, n: int = 80, seed: int = 3, folds: int = 5) -> Planted:
    """Write the ROIs of `n` patients, half of them with the event, to `folder/rois`."""
    random = np.random.default_rng(seed)
    labels = random.permutation(n) % 2
    fractions = np.clip(random.normal(0.25 + 0.15 * labels, 0.05), 0.08, 0.6)
    ids = [f"p{number:03d}" for number in range(n)]
    rows = [_written(one, fraction, folder / "rois", random) for one, fraction in zip(ids, fractions, strict=True)]
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": labels, "site": "A", "cohort": None})
    splits = split_table(patients, params=SplitParams(folds=folds, repeats=1, holdout_fraction=0.25), seed=1)
    cohort = pd.DataFrame({"image_id": ids, "patient_id": ids, "view": "one"})
    rois = pd.DataFrame(rows).reindex(columns=ROIS.names)
    return Planted(
        patients=patients, splits=splits, cohort=cohort, rois=rois, folder=folder / "rois", fractions=fractions
    )


def _written(name: str, fraction: float, folder: Path, random: np.random.Generator) -> dict[str, object]:
    mask = _ellipse(random)
    image = np.rint(lesion(mask, fraction=fraction, random=random)).clip(0, 255).astype(np.uint8)
    for kind, array in (("image", image), ("mask", mask.astype(np.uint8))):
        write_image(image_from(array), folder / f"{name}_{kind}.nrrd")
    row: dict[str, object] = {"image_id": name, "patient_id": name, "view": "one", "n_voxels": int(mask.sum())}
    row |= {"image": f"{name}_image.nrrd", "mask": f"{name}_mask.nrrd", "status": "ok", "reason": None}
    return row | dict.fromkeys(["x0_px", "y0_px", "z0_px"], 0) | {"width_px": 64, "height_px": 64, "depth_px": 1}


def _ellipse(random: np.random.Generator) -> NDArray[np.bool_]:
    y, x = np.indices((SIDE_PX, SIDE_PX)) - SIDE_PX // 2
    return np.asarray((x / random.uniform(17, 24)) ** 2 + (y / random.uniform(14, 20)) ** 2 <= 1)


def lesion(mask: NDArray[np.bool_], *, fraction: float, random: np.random.Generator) -> NDArray[np.float64]:
    """The frame of a lesion with one dark sub-region of `fraction` of its area; its mean is 110 and its SD 25."""
    field = gaussian_filter(random.normal(size=mask.shape), 6)
    dark = field < np.quantile(field[mask], fraction)
    shape = random.uniform(2, 8)
    speckle = random.choice([-1, 1]) * (random.gamma(shape, size=mask.shape) - shape) / np.sqrt(shape)
    frame = 1.0 - dark + random.uniform(0.5, 1.0) * speckle
    return np.asarray(110 + 25 * (frame - frame[mask].mean()) / frame[mask].std())


def write_tables(study: Planted, *, sets: dict[str, list[str]], predicted: pd.DataFrame | None = None) -> Path:
    """The study's tables and params beside its ROIs, with these feature sets; returns their folder."""
    folder = study.folder.parent
    write_table(study.rois, folder / "rois.csv", ROIS)
    write_table(PREDICTED_ROIS.empty() if predicted is None else predicted, folder / "predicted.csv", PREDICTED_ROIS)
    write_table(study.splits, folder / "splits.csv", SPLITS)
    own: dict[str, Any] = {"fusion": {"sets": sets}, "selftest": {"feature_set": next(iter(sets))}}
    own |= {"habitat": {"k": 2, "radiomics": SMALL, "voxels_per_patient": 20, "n_init": 1}}
    own |= {"radiomics": {"preset": None, "settings": SMALL}, "embed": {"nets": []}}
    for name in ("habitat", "common", "crop", "radiomics", "fusion", "embed", "selftest"):
        content = read_yaml(ROOT / "params" / f"{name}.yaml") | own.get(name, {})
        (folder / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    return folder


def run_stage(folder: Path, *, out: str = "made") -> Path:
    """Run the stage `habitat` on the tables of `write_tables`; returns the folder of what it makes."""
    named = ("common", "crop", "radiomics", "fusion", "embed", "selftest")
    flags = {"params": "habitat.yaml"} | {name: f"{name}.yaml" for name in named} | {"rois": "rois"}
    flags |= {"table": "rois.csv", "predicted": "predicted.csv", "splits": "splits.csv"}
    flags |= {"features": f"{out}/habitat.csv", "rings": f"{out}/peritumoral.csv", "out": f"{out}/regions"}
    words = [word for name, path in flags.items() for word in (f"--{name}", str(folder / path))]
    with patch("sys.argv", ["habitat", *words]):
        importlib.import_module("stages.habitat").main()
    return folder / out
