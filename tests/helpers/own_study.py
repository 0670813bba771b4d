"""A user's own folder: a manifest with small images and masks, as a newcomer would bring it."""

import csv
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image
from places import ROOT

from pipeline.cohort.cohort import CohortParams
from pipeline.foundation.params import read_yaml

HEAD = ("patient_id", "image", "mask", "label", "view", "cohort")


def write_rows(path: Path, *rows) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)


def own_study(
    folder: Path, *, patients=48, views=("main",), cohorts=(), head=HEAD, masks=True, volumes=False, clinical=False
) -> Path:
    """A folder with manifest.csv; labels 0, 1, 0, 1, …; the patients are dealt to `cohorts` in pairs, if any are given.

    `head` may lack columns. `clinical` adds clinical.csv with one column.
    """
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows, suffix = [], "nii.gz" if volumes else "png"
    for number in range(patients):
        for view in views:
            name = f"P{number:02d}_{view}.{suffix}"
            for kind in ("images", "masks"):
                _image(folder / kind / name, volume=volumes)
            row = {"patient_id": f"P{number:02d}", "image": f"images/{name}", "label": number % 2, "view": view}
            row["cohort"] = cohorts[number // 2 % len(cohorts)] if cohorts else ""
            row["mask"] = f"masks/{name}" if masks else ""
            rows.append([row[key] for key in head])
    write_rows(folder / "manifest.csv", head, *rows)
    if clinical:
        write_rows(folder / "clinical.csv", ("patient_id", "age"), *((f"P{n:02d}", 30 + n) for n in range(patients)))
    return folder


def _image(path: Path, *, volume: bool) -> None:
    if not volume:
        Image.fromarray(np.zeros((20, 30), dtype=np.uint8)).save(path)
        return
    image = sitk.GetImageFromArray(np.zeros((3, 20, 30), dtype=np.int16))
    image.SetSpacing((0.5, 0.5, 2.0))
    sitk.WriteImage(image, str(path))


def demo_params() -> CohortParams:
    """`params/cohort.yaml` of the project."""
    return CohortParams.model_validate(read_yaml(ROOT / "params" / "cohort.yaml"))
