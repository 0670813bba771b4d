"""The tables of `selftest`: the lights, every permutation of the labels, lesion size, the negative controls."""

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.foundation.tables import Contract, fraction, integer, number, text

LIGHTS = ("green", "amber", "red", "grey")  # grey = not testable on these data

SELFTEST = Contract(
    name="self-tests",
    key=("check",),
    columns=(
        text("check"),
        text("light", choices=LIGHTS),
        text("title"),  # what the check shows, in a clinician's terms
        number("value", required=False),  # the number that the rule tests
        number("limit", required=False),  # the limit that it is compared with
        text("rule"),  # the rule in one sentence
        text("finding"),  # the finding in one sentence, with no number other than value and limit
    ),
)

# Every permutation of the labels; kind = all (over all training patients) or within_site.
SHAM = Contract(
    name="sham labels",
    key=("kind", "repeat"),
    columns=(
        text("kind", choices=("all", "within_site")),
        integer("repeat"),
        number("auc", required=False),
        integer("n_folds"),
    ),
)

# Lesion size alone beside each chosen model, over its n patients with a lesion size.
SIZE_ALONE = Contract(
    name="lesion size alone",
    key=("feature_set", "model", "evaluation"),
    columns=(
        text("feature_set"),
        text("model"),
        text("evaluation", choices=EVALUATIONS),
        integer("n"),
        fraction("size_auc", required=False),
        fraction("model_auc", required=False),
        number("correlation", required=False),
    ),
)

# What each negative control reaches on the folds of the training patients, beside the lesion's own features.
CONTROL_NAMES = (
    "lesion",  # the set under test, as it is
    "outline",  # shape features of the mask, no grey value
    "moved",  # the mask moved beside the lesion
    "ring",  # a ring of tissue around the lesion
    "shuffled",  # the lesion with its voxels shuffled
    "frame",  # the image with the lesion's box blanked
    "primary",  # the primary set, with the classifier of the self-tests
    "primary_without_shape",  # the same without shape features
)

CONTROLS = Contract(
    name="negative controls",
    key=("control",),
    columns=(
        text("control", choices=CONTROL_NAMES),
        fraction("auc", required=False),
        number("ci_low", required=False),
        number("ci_high", required=False),
        integer("n_patients"),
        integer("n_images"),
        integer("n_folds"),
    ),
)
