"""The tables of `agreement`: features of repeated masks, and the agreement of each feature between them."""

from pipeline.foundation.tables import Contract, fraction, integer, number, text

REPEATS = Contract(
    name="radiomics of repeated masks",
    key=("image_id", "repeat"),
    columns=(
        text("image_id"),
        text("repeat"),  # 0 = the first mask
        text("status"),
        text("reason", required=False),
        fraction("dice", required=False),  # Dice coefficient with the first mask
    ),
    extra="number",
)

AGREEMENT = Contract(
    name="agreement of repeated masks",
    key=("feature",),
    columns=(
        text("feature"),
        text("form"),  # such as ICC(A,1)
        number("icc", required=False),
        number("ci_low", required=False),
        number("ci_high", required=False),
        integer("n_images"),
        integer("n_repeats"),  # masks per image, including the first
    ),
)
