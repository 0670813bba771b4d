"""The contracts of what the report says of selected features and of networks."""

from pipeline.report.contract_parts import contract, numbers, texts

NETWORKS = contract(
    "networks",
    ("network",),
    [
        *texts("strategy", "trained_on", "light", "about", "embedding", "weights", "image_px", "device"),
        *numbers("n_trained", "min_patients", "max_patients", "embedding_width", "parameters", kind="integer"),
        *numbers("min_epochs", "max_epochs", "n_networks", "n_watched", "n_stopped", kind="integer"),
    ],
)
SELECTION = contract(
    "feature selection",
    ("feature_set", "block", "feature"),
    [
        *numbers("n_selected", "n_fits", kind="integer"),
        *numbers("frequency", kind="fraction"),
        *numbers("n_final", kind="integer"),
        *numbers("coefficient"),
        *numbers("half_samples", kind="fraction"),
    ],
)
KEPT = contract(
    "features kept a fit",
    ("feature_set", "block"),
    [*numbers("n_fits", "n_empty", kind="integer"), *numbers("median", "least", "most")],
)
STABILITY = contract(
    "stability of the selection",
    ("feature_set", "block", "source", "part"),
    [*numbers("stability", "ci_low", "ci_high"), *numbers("n_fits", "n_features", kind="integer")],
)
