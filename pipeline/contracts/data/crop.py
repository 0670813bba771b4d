"""The tables of `crop`: one row per lesion image, whether or not its ROI could be cropped."""

import pandas as pd

from pipeline.contracts.data.cohort import SPACING
from pipeline.foundation.tables import Column, Contract, integer, text

GIVEN, PREDICTED = "given", "predicted"  # where the mask of an ROI comes from
_COLUMNS = (
    text("image_id"),
    text("patient_id"),
    text("view"),
    text("image", required=False),
    text("mask", required=False),
    integer("n_voxels", required=False),
    *(integer(f"{axis}0_px", required=False) for axis in "xyz"),
    *(integer(f"{side}_px", required=False) for side in ("width", "height", "depth")),
    *SPACING,
    Column(name="mask_source", choices=(GIVEN, PREDICTED), required=False, optional=True),
    text("status"),
    text("reason", required=False),
)

# The mask is the given one or, if it is predicted, that of resample `final`.
ROIS = Contract(name="rois", key=("image_id",), columns=_COLUMNS)

# The ROI by the predicted mask of each resample, whether or not the study uses it.
PREDICTED_ROIS = Contract(
    name="ROIs of predicted masks", key=("resample", "image_id"), columns=(text("resample"), *_COLUMNS)
)


def rois_by_resample(rois: pd.DataFrame, predicted: pd.DataFrame) -> pd.DataFrame:
    """The ROIs of all resamples at once, as `rois.csv` with the column `resample`: empty text for a given mask, which
    holds in every resample, else the resample for which the mask was predicted.
    """
    if "mask_source" not in rois or not (rois["mask_source"] == PREDICTED).any():
        return rois.assign(resample="")
    is_predicted = rois["mask_source"] == PREDICTED
    own = predicted[predicted["image_id"].isin(rois.loc[is_predicted, "image_id"])]
    both = pd.concat([rois[~is_predicted].assign(resample=""), own])
    return both.sort_values(["image_id", "resample"]).reset_index(drop=True)


def rois_in(rois: pd.DataFrame, predicted: pd.DataFrame, *, resample: str) -> pd.DataFrame:
    """The ROIs that hold in a resample, as `rois.csv`: where the mask of an image is predicted, the ROI is that of the
    mask predicted in this resample. `predicted` as `predicted_rois.csv`; without predicted masks, `rois` itself.

    An image whose patient is not in the resample has no mask predicted there, and is left out.
    """
    if "mask_source" not in rois or not (rois["mask_source"] == PREDICTED).any():
        return rois
    is_predicted = rois["mask_source"] == PREDICTED
    own = predicted[predicted["resample"] == resample].drop(columns="resample")
    replaced = own[own["image_id"].isin(rois.loc[is_predicted, "image_id"])]
    return pd.concat([rois[~is_predicted], replaced]).sort_values("image_id").reset_index(drop=True)
