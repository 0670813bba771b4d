"""The tables of `segment`: the predicted mask of each image in each resample."""

from pipeline.foundation.tables import Column, Contract, integer, text

# A mask by the network of all training patients (held-out patients), or of the other half of them (training patients).
PARTS = ("all", "a", "b")
PREDICTION_STATUS = ("ok", "empty")

# `mask` is relative to the folder of predicted masks. `used`: whether the study uses it in place of a given mask.
MASKS = Contract(
    name="predicted masks",
    key=("resample", "image_id"),
    columns=(
        text("resample"),
        text("image_id"),
        text("patient_id"),
        text("network"),
        text("part", choices=PARTS),
        Column(name="used", kind="binary"),
        text("mask", required=False),
        integer("n_voxels"),
        text("status", choices=PREDICTION_STATUS),
        text("reason", required=False),
    ),
)
