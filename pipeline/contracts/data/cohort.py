"""The contracts of the tables that stages pass to each other (design: one row a key, patient is the unit)."""

from pipeline.foundation.tables import Column, Contract

ROLES = ("train", "cv", "internal", "external")
EVALUATIONS = ("cv", "internal", "external")
COHORTS = ("train", "internal", "external")
SEVERITIES = ("error", "warning", "info")
MASK_READER2 = "mask_reader2"  # the column of a second reader's masks


def _text(name: str, *, required: bool = True, choices: tuple[str, ...] = ()) -> Column:
    return Column(name=name, required=required, choices=choices)


def _number(name: str, *, required: bool = True) -> Column:
    return Column(name=name, kind="number", required=required)


def _integer(name: str, *, required: bool = True) -> Column:
    return Column(name=name, kind="integer", required=required)


_SPACING = tuple(_number(f"spacing_{axis}_mm", required=False) for axis in "xyz")

COHORT = Contract(
    name="cohort",
    key=("image_id",),
    columns=(
        _text("image_id"),
        _text("patient_id"),
        _text("view"),
        _text("site", required=False),
        _text("image"),
        _text("mask", required=False),
        _text("gland_mask", required=False),
        _text("mask_source", required=False),
        Column(name=MASK_READER2, required=False, optional=True),
        *_SPACING,
    ),
)

PATIENTS = Contract(
    name="patients",
    key=("patient_id",),
    columns=(
        _text("patient_id"),
        _text("group_id"),
        Column(name="label", kind="binary"),
        _text("site", required=False),
        _text("cohort", required=False, choices=COHORTS),
    ),
    extra="any",
)

AUDIT = Contract(
    name="audit",
    key=("scope", "id", "check"),
    unique_key=False,
    columns=(
        _text("scope", choices=("image", "patient", "column", "cohort")),
        _text("id", required=False),
        _text("check"),
        _text("severity", choices=SEVERITIES),
        _text("message"),
    ),
)

ROIS = Contract(
    name="rois",
    key=("image_id",),
    columns=(
        _text("image_id"),
        _text("patient_id"),
        _text("view"),
        _text("image", required=False),
        _text("mask", required=False),
        _integer("n_voxels", required=False),
        *(_integer(f"{axis}0_px", required=False) for axis in "xyz"),
        *(_integer(f"{side}_px", required=False) for side in ("width", "height", "depth")),
        *_SPACING,
        _text("status"),
        _text("reason", required=False),
    ),
)

RADIOMICS = Contract(
    name="radiomics features",
    key=("image_id",),
    columns=(_text("image_id"), _text("status"), _text("reason", required=False)),
    extra="number",
)

EMBEDDINGS = Contract(
    name="embeddings",
    key=("resample", "part", "image_id"),
    columns=(_text("resample"), _text("part"), _text("image_id")),
    extra="number",
)

PATIENT_EMBEDDINGS = Contract(
    name="embeddings of patients",
    key=("resample", "part", "patient_id"),
    columns=(_text("resample"), _text("part"), _text("patient_id")),
    extra="number",
)

BLOCK = Contract(
    name="ready-made feature block",
    key=("patient_id",),
    columns=(_text("patient_id"),),
    extra="number",
)

DICTIONARY = Contract(
    name="feature dictionary",
    key=("feature",),
    columns=(
        _text("feature"),
        _text("block"),
        _text("family"),
        _text("filter", required=False),
        _text("class", required=False),
        _text("definition"),
        _text("unit", required=False),
        _text("ibsi_code", required=False),
        _text("source"),
        _text("version"),
    ),
)

SPLITS = Contract(
    name="splits",
    key=("resample", "patient_id"),
    columns=(
        _text("resample"),
        _text("patient_id"),
        _text("role", choices=ROLES),
        _text("half", required=False, choices=("a", "b")),
    ),
)

REDUCED = Contract(
    name="reduced features",
    key=("resample", "part", "patient_id"),
    columns=(_text("resample"), _text("part"), _text("patient_id"), _text("role", choices=ROLES)),
    extra="number",
)

SELECTED = Contract(
    name="selected features",
    key=("resample", "part", "block", "rule", "feature"),
    columns=(
        _text("resample"),
        _text("part"),
        _text("block"),
        _text("rule"),
        _text("feature"),
        _number("coefficient"),
    ),
)

LASSO = Contract(
    name="LASSO path",
    key=("resample", "part", "block", "lambda_index"),
    columns=(
        _text("resample"),
        _text("part"),
        _text("block"),
        _integer("lambda_index"),
        _number("lambda"),
        _number("cv_mean"),
        _number("cv_se"),
        _integer("n_nonzero"),
    ),
)

PREDICTIONS = Contract(
    name="predictions",
    key=("feature_set", "model", "resample", "patient_id"),
    columns=(
        _text("feature_set"),
        _text("model"),
        _text("resample"),
        _text("patient_id"),
        _text("evaluation", choices=EVALUATIONS),
        Column(name="label", kind="binary"),
        Column(name="score", kind="fraction"),
        Column(name="threshold", kind="fraction", required=False),
    ),
)

REPEATS = Contract(
    name="radiomics of repeated masks",
    key=("image_id", "repeat"),
    columns=(
        _text("image_id"),
        _text("repeat"),  # 0 is the first mask
        _text("status"),
        _text("reason", required=False),
        Column(name="dice", kind="fraction", required=False),  # overlap with the first mask
    ),
    extra="number",
)

LASSO_PATHS = Contract(
    name="LASSO coefficients along the path",
    key=("part", "block", "lambda_index", "feature"),
    columns=(
        _text("part"),
        _text("block"),
        _integer("lambda_index"),
        _text("feature"),  # only where its coefficient is not 0
        _number("lambda"),
        _number("coefficient"),
    ),
)

HALF_SAMPLES = Contract(
    name="selection over half-samples",
    key=("part", "block", "feature"),
    columns=(
        _text("part"),
        _text("block"),
        _text("feature"),  # every candidate, kept or never
        _integer("n_selected"),
        _integer("n_samples"),
        _text("samples", required=False),  # the numbers of those that selected it, from 1, with blanks between
    ),
)

AGREEMENT = Contract(
    name="agreement of repeated masks",
    key=("feature",),
    columns=(
        _text("feature"),
        _text("form"),  # such as ICC(A,1)
        _number("icc", required=False),
        _number("ci_low", required=False),
        _number("ci_high", required=False),
        _integer("n_images"),
        _integer("n_repeats"),  # masks of an image, the first included
    ),
)
