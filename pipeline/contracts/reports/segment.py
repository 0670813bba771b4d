"""The tables of `segment`: agreement of predicted and given masks per image, its summary, tests between networks."""

from pipeline.contracts.data.split import ALL
from pipeline.foundation.tables import Column, Contract, fraction, integer, number, text

ENSEMBLE = "ensemble"  # as a resample: the mean probability of the networks of all folds
# On which images a network was scored: those of its held-out fold (cv), or held-out cohorts, by the network of `final`,
# by the network of each fold (folds_), or by the ensemble of those (ensemble_); or training patients by the network of
# the other half of them (other_half). They are never pooled.
OTHER_HALF_MASKS = "other_half"
EVALUATIONS = (
    "cv",
    "internal",
    "external",
    "folds_internal",
    "folds_external",
    "ensemble_internal",
    "ensemble_external",
    OTHER_HALF_MASKS,
)
# Of a predicted and a given mask at the size of the image; `_mm` is empty if the spacing is not known.
METRICS = ("dice", "iou", "precision", "sensitivity", "hd95_px", "hd95_mm", "assd_px", "assd_mm", "area_bias")
COUNTS = ("intersection_voxels", "predicted_voxels", "given_voxels")
# As the published code of TRFE-Net computes them, faults included; only with `parity: true`.
PARITY_METRICS = tuple(
    f"{name}_parity" for name in ("dice", "iou", "precision", "sensitivity", "accuracy", "auc", "hd95_all_foreground")
)
PARITY = Column(name="parity", kind="binary")  # whether a published fault was asked for

# One row per network, resample and image. Metrics are empty if there is no given or no predicted mask.
SEGMENTATION = Contract(
    name="segmentation",
    key=("network", "resample", "image_id"),
    columns=(
        text("network"),
        text("resample"),
        text("image_id"),
        text("patient_id"),
        text("evaluation", choices=EVALUATIONS),
        text("part", choices=(ALL, "a", "b")),
        text("mask_source"),  # the mask that later stages use for this image: given or predicted
        text("status"),  # ok, empty (nothing was predicted) or a named failure
        text("reason", required=False),
        *(integer(name, required=False) for name in COUNTS),
        *(fraction(name, required=False) for name in METRICS[:4]),
        *(number(name, required=False) for name in METRICS[4:]),
        *(Column(name=name, kind="number", required=False, optional=True) for name in PARITY_METRICS),
        PARITY,
    ),
)

# Means over images with intervals by bootstrap of patients, and counts. sd_folds = SD of the estimate over resamples.
SEGMENTATION_SUMMARY = Contract(
    name="summary of segmentation",
    key=("network", "evaluation", "metric"),
    columns=(
        text("network"),
        text("evaluation", choices=EVALUATIONS),
        text("metric"),
        *(number(name, required=False) for name in ("estimate", "ci_low", "ci_high", "sd_folds")),
        integer("n_resamples"),
        integer("n_images"),
        integer("n_patients"),
        PARITY,
    ),
)

# Wilcoxon's signed-rank test of each pair of networks; difference = a - b, by patient.
SEGMENTATION_TESTS = Contract(
    name="tests between segmentation networks",
    key=("evaluation", "metric", "network_a", "network_b"),
    columns=(
        text("evaluation", choices=EVALUATIONS),
        text("metric", choices=("dice", "iou")),
        text("network_a"),
        text("network_b"),
        number("median_difference", required=False),
        *(fraction(name, required=False) for name in ("p_value", "p_holm")),
        number("effect_size", required=False),
        integer("n_equal"),
        integer("n_images"),
        integer("n_patients"),
        PARITY,
    ),
)

# By name of the file in the tables of the report.
TABLES = {
    "segmentation": SEGMENTATION,
    "segmentation_summary": SEGMENTATION_SUMMARY,
    "segmentation_tests": SEGMENTATION_TESTS,
}
