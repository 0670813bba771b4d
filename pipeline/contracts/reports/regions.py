"""The report's own tables on regions: sources of masks, segmentation, the effect of a predicted mask, habitats."""

from pipeline.contracts.reports.segment import EVALUATIONS as SEGMENTED_ON
from pipeline.foundation.tables import Column, Contract, fraction, integer, number, text

# A mask of the source (a file, polygons, the whole image), one that was predicted, or none.
SOURCES = ("file", "polygons", "full", "predicted", "none")

# cohort = all, train, internal or external; n = images.
MASK_SOURCES = Contract(
    name="sources of masks",
    key=("source", "cohort"),
    columns=(text("source", choices=SOURCES), text("cohort"), integer("n")),
)

# Images whose predicted mask is shown beside the given one, by pseudonym.
SEGMENTATION_EXAMPLES = Contract(
    name="examples of segmentation",
    key=("number",),
    columns=(
        text("number"),
        text("kind", choices=("best", "median", "worst")),
        text("case"),
        text("network"),
        text("evaluation", choices=SEGMENTED_ON),
        text("resample"),
        fraction("dice"),
        number("hd95_px", required=False),
    ),
)

# ICC(A,1) of each feature between given and predicted masks of the same images; empty for a constant feature.
MASK_EFFECT = Contract(
    name="agreement of given and predicted masks",
    key=("feature",),
    columns=(
        text("feature"),
        text("feature_class"),
        *(number(name, required=False) for name in ("icc", "ci_low", "ci_high")),
        integer("n_images"),
    ),
)

# n_good = features with an ICC of `limit` or more.
MASK_EFFECT_CLASSES = Contract(
    name="agreement of given and predicted masks by class",
    key=("feature_class",),
    columns=(
        text("feature_class"),
        integer("n_features"),
        integer("n_good"),
        fraction("fraction_good"),
        *(number(name, required=False) for name in ("median_icc", "q1_icc", "q3_icc")),
        integer("n_images"),
        number("limit"),
    ),
)

# The same set with radiomics of given and of predicted masks; difference = predicted - given, DeLong. It is empty if
# `compare` did not test the pair.
MASK_EFFECT_AUC = Contract(
    name="results with given and with predicted masks",
    key=("set_given", "set_predicted", "evaluation"),
    columns=(
        *(text(name) for name in ("set_given", "set_predicted", "evaluation", "model")),
        *(
            number(f"{side}_{name}", required=False)
            for side in ("given", "predicted")
            for name in ("auc", "low", "high")
        ),
        *(number(name, required=False) for name in ("difference", "ci_low", "ci_high")),
        fraction("p_value", required=False),
        integer("n"),
    ),
)

# The habitats of a part of resample `final`, darkest first. Brightness and heterogeneity: centres of the cluster in SD
# of the training voxels, the mean over the voxel features of that kind.
HABITATS = Contract(
    name="habitats",
    key=("part", "habitat"),
    columns=(
        text("part"),
        integer("habitat"),
        number("brightness"),
        number("heterogeneity", required=False),
        text("words"),
    ),
)

# The numbers of habitats that were tried; score is empty if the number was given.
HABITAT_CHOICE = Contract(
    name="choice of the number of habitats",
    key=("part", "k"),
    columns=(
        text("part"),
        integer("k"),
        Column(name="chosen", kind="binary"),
        text("measure", required=False),
        number("score", required=False),
        text("method"),
        integer("n_voxels"),
        integer("n_patients"),
    ),
)

# The fraction of the lesion that is a habitat, by outcome: the patient's mean over images; intervals of the mean.
HABITAT_FRACTIONS = Contract(
    name="habitats by outcome",
    key=("part", "habitat", "outcome"),
    columns=(
        text("part"),
        integer("habitat"),
        text("outcome"),
        integer("n_patients"),
        *(fraction(name, required=False) for name in ("mean", "ci_low", "ci_high", "median", "q1", "q3")),
    ),
)

# The examples of explain.csv (by number) whose habitats are shown.
HABITAT_EXAMPLES = Contract(
    name="habitats of explained cases",
    key=("number",),
    columns=(text("number"), text("case"), text("kind"), text("part"), number("score"), number("threshold")),
)

REGION_TABLES = {
    "mask_sources": MASK_SOURCES,
    "segmentation_examples": SEGMENTATION_EXAMPLES,
    "mask_effect": MASK_EFFECT,
    "mask_effect_classes": MASK_EFFECT_CLASSES,
    "mask_effect_auc": MASK_EFFECT_AUC,
    "habitats": HABITATS,
    "habitat_choice": HABITAT_CHOICE,
    "habitat_fractions": HABITAT_FRACTIONS,
    "habitat_examples": HABITAT_EXAMPLES,
}
