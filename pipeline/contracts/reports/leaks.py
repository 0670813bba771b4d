"""The report's own tables on leakage: pairs of near-duplicates, types of leakage, the dates of the cohorts."""

from pipeline.contracts.reports.selftest import LIGHTS
from pipeline.foundation.tables import Column, Contract, fraction, integer, text

# Near-duplicates by pseudonym, the least similar pairs first; the report shows the images of the first `shown`.
NEAR_PAIRS = Contract(
    name="near-duplicates by pseudonym",
    key=("number",),
    columns=(
        text("number"),
        *(text(name) for name in ("image_a", "patient_a", "image_b", "patient_b")),
        fraction("distance"),  # 0 = the same picture
        Column(name="mirrored", kind="binary"),
        Column(name="joined", kind="binary"),  # whether the two patients were joined into one group
        Column(name="same_label", kind="binary"),
        Column(name="shown", kind="binary"),
    ),
)

NEAR_COUNTS = Contract(name="numbers of near-duplicates", key=("what",), columns=(text("what"), integer("n")))

# The types of leakage of Kapoor and Narayanan (Patterns 2023;4:100804, doi 10.1016/j.patter.2023.100804), filled from
# the run. light = the worst of those of `checks`; grey if none could be checked.
LEAK_TYPES = Contract(
    name="types of leakage",
    key=("leak",),
    columns=(
        text("leak"),
        text("name"),
        text("covered"),
        text("checks", required=False),  # the names of the lights, separated by blanks
        text("warnings", required=False),  # the checks of the audit that raised a warning, separated by blanks
        text("light", choices=LIGHTS),
        text("remains"),
    ),
)

# The quarters of the first and the last date of each cohort; no date itself.
DATES = Contract(
    name="dates by cohort",
    key=("cohort",),
    columns=(
        text("cohort"),
        text("first", required=False),
        text("last", required=False),
        integer("n"),
        integer("n_missing"),
    ),
)
