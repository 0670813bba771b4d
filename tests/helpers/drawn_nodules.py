"""Drawn images for segmentation: a bright disc, the nodule, in a grey gland on dark noise; their tables and params."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from places import ROOT

from pipeline.cohort.mask_files import MaskParams
from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.params import read_yaml
from pipeline.foundation.tables import write_table
from pipeline.segment.cases import SegmentPlan
from pipeline.segment.images import learned, training_pictures
from pipeline.segment.params import SegmentParams
from pipeline.segment.pictures import Picture, cohort_pictures, pictures_by_patient, with_mask
from pipeline.split.splits import SplitParams, split_table

SIDE_PX = 48
DECODE = MaskParams()
Voxels = NDArray[np.uint8]
# Small and short; each test changes the rest.
SMALL: dict[str, Any] = {
    "networks": ["unet"],
    "input": {"image_size_px": 32},
    "network": {"width": 4},
    "training": {"epochs": 1, "batch_size": 4, "warm_up_epochs": 0, "schedule": "constant", "learning_rate": 0.01},
    "postprocess": {"min_area_px": 0},
    "bootstrap": {"replicates": 20},
}


def merged(content: Any, values: Any) -> Any:
    """`content` with the values changed, key by key."""
    if not (isinstance(values, dict) and isinstance(content, dict)):
        return values
    return content | {key: merged(content[key], value) for key, value in values.items()}


def segment_content(**changes: Any) -> dict[str, Any]:
    """The shipped params of segmentation, made small, with these changes."""
    shipped: dict[str, Any] = merged(read_yaml(ROOT / "params" / "segment.yaml"), SMALL)
    found: dict[str, Any] = merged(shipped, changes)
    return found


def segment_params(**changes: Any) -> SegmentParams:
    """The same, as a model."""
    return SegmentParams.model_validate(segment_content(**changes))


def drawing(number: int, *, side: int = SIDE_PX) -> tuple[Voxels, Voxels, Voxels]:
    """The grey image of this number, its nodule and its gland (0 or 1)."""
    random = np.random.default_rng([8, number])
    y, x = np.indices((side, side)) / side
    gland = np.asarray(((x - 0.5) / 0.4) ** 2 + ((y - 0.5) / 0.35) ** 2 <= 1)
    nodule = np.asarray((x - random.uniform(0.4, 0.6)) ** 2 + (y - random.uniform(0.4, 0.6)) ** 2 <= 0.17**2)
    grey = 40 + 50 * gland + 110 * nodule + random.normal(scale=8, size=(side, side))
    return grey.clip(0, 255).astype(np.uint8), nodule.astype(np.uint8), gland.astype(np.uint8)


def drawn_study(
    folder: Path, *, n: int = 16, without: tuple[int, ...] = (), glands: tuple[int, ...] = (), slices: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write `images/` and `masks/`; returns the cohort and the patients, the last quarter of them held out.

    `without`: numbers of the images without a mask; `glands`: those with one of the gland. `slices`: make volumes with
    the nodule in all slices but the first and the last. The first two patients are one group.
    """
    rows = []
    for number in range(n):
        name, planes = f"p{number:02d}", drawing(number)
        if slices:
            empty = (np.arange(slices) % (slices - 1) == 0)[:, None, None]
            grey, nodule, gland = (np.repeat(plane[None], slices, axis=0) for plane in planes)
            planes = (np.where(empty, 60, grey).astype(np.uint8), nodule * ~empty, gland)
        row: dict[str, Any] = {"image_id": name, "patient_id": f"P{number:02d}", "view": "main"}
        row |= {"image": f"{name}.nrrd", "mask_source": "drawn.png"}
        row["mask"] = None if number in without else f"{name}.nrrd"
        row["gland_mask"] = f"{name}_gland.nrrd" if number in glands else None
        steps = (0.5, 0.5, 2.0) if slices else (0.5, 0.5)
        row |= dict(zip(("spacing_x_mm", "spacing_y_mm", "spacing_z_mm"), steps, strict=False))
        for place, plane in zip(("images/" + name, "masks/" + name, f"masks/{name}_gland"), planes, strict=True):
            write_image(image_from(plane, spacing_mm=steps), folder / f"{place}.nrrd")
        rows.append(row)
    cohort = pd.DataFrame(rows).reindex(columns=[one.name for one in COHORT.columns if not one.optional])
    cohort.loc[cohort["mask"].isna(), "mask_source"] = None
    patients = pd.DataFrame({"patient_id": cohort["patient_id"], "group_id": cohort["patient_id"]})
    patients.loc[1, "group_id"] = patients.loc[0, "group_id"]
    patients["label"] = np.arange(n) // 2 % 2
    patients["site"], patients["cohort"] = "A", np.where(np.arange(n) < 3 * n // 4, "train", "internal")
    return cohort, patients


def splits_of(patients: pd.DataFrame, *, folds: int = 2) -> pd.DataFrame:
    """Their splits."""
    return split_table(patients, params=SplitParams(folds=folds, repeats=1, holdout_fraction=0), seed=1)


def plan_of(
    folder: Path,
    *,
    params: SegmentParams,
    masks_by: str | None = None,
    glands: list[Picture] | None = None,
    glands_of: tuple[int, ...] = (),
    **study: Any,
) -> tuple[SegmentPlan, pd.DataFrame]:
    """The plan of a drawn study, and its splits; `glands`: the second source, `glands_of`: numbers of images."""
    cohort, patients = drawn_study(folder, glands=glands_of, **study)
    pictures = cohort_pictures(cohort, patients, images=folder / "images", masks=folder / "masks")
    teaching = [*with_mask(pictures), *(glands or [])]
    plan = SegmentPlan(
        params=params,
        seed=3,
        parity=params.parity,
        training=training_pictures(learned(one, params=params.input, decode=DECODE) for one in teaching),
        glands=tuple(sorted({one.group for one in glands or []})),
        pictures=pictures_by_patient(pictures),
        groups=dict(zip(patients["patient_id"], patients["group_id"], strict=True)),
        masks_by=masks_by,
    )
    return plan, splits_of(patients)


def write_glands(folder: Path, *, n: int = 8, names: tuple[str, str] = ("image", "mask")) -> Path:
    """A folder of images of the gland with masks of the same names, lossy as published."""
    for number in range(n):
        grey, _, gland = drawing(100 + number)
        for name, plane in zip(names, (grey, gland * 255), strict=True):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(plane).save(folder / name / f"{number}.jpg", quality=95)
    return folder


def write_inputs(folder: Path, tables: tuple[pd.DataFrame, pd.DataFrame], **changes: Any) -> Path:
    """The tables and params of a drawn study, as the stage reads them."""
    cohort, patients = tables
    write_table(cohort, folder / "cohort.csv", COHORT)
    write_table(patients, folder / "patients.csv", PATIENTS)
    write_table(splits_of(patients), folder / "splits.csv", SPLITS)
    contents = {name: read_yaml(ROOT / "params" / f"{name}.yaml") for name in ("common", "cohort", "fusion")}
    contents["fusion"]["sets"] = changes.pop("sets", {"one": ["radiomics"]})
    for name, content in (contents | {"segment": segment_content(**changes)}).items():
        (folder / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")  # JSON is YAML
    return folder


def stage_words(folder: Path, *, out: str = "made") -> list[str]:
    """The command line of the stage on those files."""
    flags = {"params": "segment.yaml", "common": "common.yaml", "fusion": "fusion.yaml", "import-params": "cohort.yaml"}
    flags |= {name: f"{name}.csv" for name in ("cohort", "patients", "splits")}
    flags |= {"images": "images", "masks": "masks", "predicted-masks": f"{out}/masks"}
    flags |= {"predictions": f"{out}/masks.csv", "networks": f"{out}/networks", "tables": f"{out}/tables"}
    return [word for name, place in flags.items() for word in (f"--{name}", str(folder / place))]
