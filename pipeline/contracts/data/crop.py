"""The table of `crop`: one row per lesion image, whether or not its ROI could be cropped."""

from pipeline.contracts.data.cohort import SPACING
from pipeline.foundation.tables import Contract, integer, text

ROIS = Contract(
    name="rois",
    key=("image_id",),
    columns=(
        text("image_id"),
        text("patient_id"),
        text("view"),
        text("image", required=False),
        text("mask", required=False),
        integer("n_voxels", required=False),
        *(integer(f"{axis}0_px", required=False) for axis in "xyz"),
        *(integer(f"{side}_px", required=False) for side in ("width", "height", "depth")),
        *SPACING,
        text("status"),
        text("reason", required=False),
    ),
)
