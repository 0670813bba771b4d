"""The tables of `radiomics`: features per image, and the definition of each feature."""

from pipeline.foundation.tables import Contract, number, text

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
        text("ibsi"),
        text("source"),
        text("version"),
    ),
)

# One row per feature of each ROI that both engines extracted; `difference` is relative, 1 if one alone is undefined.
ENGINE_CHECK = Contract(
    name="engine check",
    key=("image_id", "feature"),
    columns=(
        text("image_id"),
        text("feature"),
        number("engine", required=False),
        number("pyradiomics", required=False),
        number("difference"),
    ),
)
