"""The tables of `embed`: embeddings by image, or by patient for a network of several views."""

from pipeline.foundation.tables import Contract, text

LOGIT = "_logit"  # after the name of a network: its own logit as a block, in place of its embedding

EMBEDDINGS = Contract(
    name="embeddings",
    key=("resample", "part", "image_id"),
    columns=(text("resample"), text("part"), text("image_id")),
    extra="number",
)


PATIENT_EMBEDDINGS = Contract(
    name="embeddings of patients",
    key=("resample", "part", "patient_id"),
    columns=(text("resample"), text("part"), text("patient_id")),
    extra="number",
)
