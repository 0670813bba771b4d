"""The tables of `radiomics`: features per image, and the definition of each feature."""

from pipeline.foundation.tables import Contract, text

RADIOMICS = Contract(
    name="radiomics features",
    key=("image_id",),
    columns=(text("image_id"), text("status"), text("reason", required=False)),
    extra="number",
)

DICTIONARY = Contract(
    name="feature dictionary",
    key=("feature",),
    columns=(
        text("feature"),
        text("block"),
        text("family"),
        text("filter", required=False),
        text("class", required=False),
        text("definition"),
        text("unit", required=False),
        text("ibsi_code", required=False),
        text("source"),
        text("version"),
    ),
)
