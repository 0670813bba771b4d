"""A small study of images for the negative controls: a disc on noise, with one fault planted at a time."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
from sham_study import recipe

from pipeline.crop.rois import CropParams, crop_case, crop_cases, rois_table
from pipeline.foundation.images import image_from, write_image
from pipeline.radiomics.features import RadiomicsParams
from pipeline.selftest.inputs import Tables
from pipeline.split.splits import SplitParams, split_table

N, SIDE_PX = 60, 64
SPACING = dict.fromkeys([f"spacing_{axis}_mm" for axis in "xyz"], np.nan)
SETTINGS = {"featureClass": {"firstorder": None, "shape2D": None}, "setting": {"binCount": 16}}


def disc(shape=(60, 70), centre=(20, 25), radius=8):
    """A disc as a mask."""
    y, x = np.indices(shape)
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def clean(pixels, mask, random):
    """Nothing is planted."""
    return pixels


def coarse(pixels, mask, random):
    """The scanner of patients with the event is noisier."""
    return pixels + random.normal(0, 30, size=pixels.shape)


def calliper(pixels, mask, random):
    """A cross of 11 px at either end of the lesion."""
    found = pixels.copy()
    row = int(np.flatnonzero(mask.any(axis=1)).mean())
    columns = np.flatnonzero(mask[row])
    for end in (columns[0], columns[-1]):
        found[row, end - 5 : end + 6] = 255
        found[row - 5 : row + 6, end] = 255
    return found


def burned_in(pixels, mask, random):
    """A grade in the corner, as large as a digit."""
    found = pixels.copy()
    found[2:6, 2:5] = 255
    return found


def brighter(pixels, mask, random):
    """Six grey levels of gain, half a standard deviation of the gain between patients."""
    return pixels + 6


def shadow(pixels, mask, random):
    """The lesion casts a shadow: a sign of the lesion, not of the scanner."""
    found = pixels.copy()
    below = np.logical_or.accumulate(mask, axis=0) & ~mask
    found[below] -= 60
    return found


def control_study(folder, *, planted=clean, radius_px=9, images=1, n=N):
    """The inputs of the self-tests: `planted` changes the images of patients with the event."""
    random = np.random.default_rng(3)
    ids = [f"p{i:02d}" for i in range(n)]
    label = [i % 2 for i in range(n)]
    rows = []
    for patient, event in zip(ids, label, strict=True):
        gain = random.normal(0, 4)
        for number in range(images):
            name = f"{patient}_{number}"
            mask = disc((SIDE_PX, SIDE_PX), (26 + random.integers(-3, 4), 32 + random.integers(-3, 4)), radius_px)
            pixels = random.normal(110 + gain, 10, size=mask.shape)
            pixels = planted(pixels, mask, random) if event else pixels
            image = image_from(np.clip(pixels, 0, 255).astype(np.uint8))
            write_image(image, folder / f"{name}.nrrd")
            write_image(image_from(mask.astype(np.uint8), like=image), folder / f"{name}_mask.nrrd")
            row = {"image_id": name, "patient_id": patient, "view": "main"}
            rows.append(row | {"image": f"{name}.nrrd", "mask": f"{name}_mask.nrrd"} | SPACING)
    cohort, crop = pd.DataFrame(rows), CropParams(margin_px=4, margin_mm=None)
    (folder / "rois").mkdir()
    cases = crop_cases(cohort, images=folder, masks=folder)
    cropped = [crop_case(case, params=crop, rois=folder / "rois") for case in cases]
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": label, "site": "A", "cohort": "train"})
    splits = split_table(patients, params=SplitParams(folds=3, repeats=1, holdout_fraction=0.25), seed=1)
    training = splits[(splits["resample"] == "final") & (splits["role"] == "train")]["patient_id"]
    return SimpleNamespace(
        cohort=cohort,
        rois=rois_table(cropped),
        training=patients.set_index("patient_id")["label"].loc[list(training)],
        recipe=recipe(),
        crop=crop,
        radiomics=RadiomicsParams(preset=None, settings=SETTINGS),
        tables=Tables(patients=patients, splits=splits, blocks=(), repeats=None),
        outlines=None,
        primary=None,
    )
