"""What the radiomics of a study are for, decided before the hours of work: `data/settings/radiomics.json`."""

from pathlib import Path

import pandas as pd

from pipeline.contracts.data.cohort import WHOLE
from pipeline.foundation.params import Params, load_params
from pipeline.plan.feature_sets import PREDICTED, RADIOMICS, FusionParams


class RadiomicsUse(Params):
    """Whether any set of params/fusion.yaml uses radiomics, whether the lesions have an outline, and whether any set
    uses the radiomics of predicted masks.

    Without an outline (every mask covers its whole image) there is no contour to perturb, and the features of shape
    would describe the picture's size.
    """

    used: bool
    outlines: bool
    predicted: bool = False


def radiomics_use(fusion: FusionParams, *, cohort: pd.DataFrame) -> RadiomicsUse:
    """The use of radiomics in these sets; `cohort` as `cohort.csv`. An image without a mask gets an outline."""
    whole = len(cohort) > 0 and bool((cohort["mask_source"] == WHOLE).all())
    return RadiomicsUse(used=RADIOMICS in fusion.blocks, outlines=not whole, predicted=PREDICTED in fusion.blocks)


def read_radiomics_use(path: Path) -> RadiomicsUse:
    """Read `data/settings/radiomics.json` (JSON is YAML). Raises ParamsError if it is missing or damaged."""
    return load_params(path, RadiomicsUse)


def has_outlines(rois: pd.DataFrame) -> bool:
    """Whether a mask leaves a voxel of its crop free; the mask of a whole image is no outline. `rois` as `rois.csv`."""
    usable = rois[rois["status"] == "ok"]
    box = usable[["width_px", "height_px", "depth_px"]].astype(float).prod(axis=1)
    return bool((usable["n_voxels"].astype(float) < box).any())


def is_shape(column: str) -> bool:
    """Whether a radiomics column, `filter_class_feature` with or without `@view`, is a feature of shape."""
    parts = column.partition("@")[0].split("_")
    return len(parts) > 1 and parts[1].startswith("shape")
