"""The tables of `embed`: embeddings per image, or per patient for a network of several views."""

from pipeline.foundation.tables import Contract, text

LOGIT = "_logit"  # suffix of a network's name: the logit of its classification head as a block, not its embedding

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
