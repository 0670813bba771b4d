"""The lights of the page by what they test for, the negative controls in words, the near-duplicates as images."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.contracts.reports.selftest import CONTROL_NAMES
from pipeline.report.inputs import ReportInputs
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.markup import data_address

Key = tuple[str, ...]

# What the lights test for, in page order; any other light belongs to the last group.
CONFOUNDING = "Is it the lesion that predicts?"
LEAKS, REST = "Are training and test data apart?", "Do the results hold together?"
GROUPS = {
    LEAKS: (
        *("patients_apart", "images_apart", "near_images_apart", "dates_in_order", "scored_held_out"),
        *("thresholds_frozen", "garbage_rows", "sham_labels", "networks_apart", "networks_insample"),
        *("ready_made_blocks", "masks_apart", "habitat_clusters"),
    ),
    CONFOUNDING: (
        *("shape_alone", "shifted_roi", "shuffled_voxels", "frame_alone", "size_alone", "size_correlation"),
        "sham_within_site",
    ),
    REST: ("real_outcome", "extraction", "engine", "tables_consistent"),
}
SYMBOLS = {"green": "●", "amber": "▲", "red": "■", "grey": "○"}
CONTROL_WORDS = {
    "primary": "The primary set, with the classifier of the self-tests",
    "primary_without_shape": "The primary set without its shape features",
    "lesion": "The lesion: the set under test, as it is",
    "outline": "The outline alone: shape features of the mask, no grey value",
    "shuffled": "The lesion with its voxels shuffled: grey levels without their arrangement",
    "moved": "The mask moved to tissue beside the lesion",
    "ring": "A ring of tissue around the lesion",
    "frame": "The frame alone: the image with the box of the lesion blanked",
}


def leak_variables(study: ReportInputs, *, cells: Mapping[str, Cells]) -> dict[str, Any]:
    """The variables of the templates that concern leakage."""
    selftest, controls = cells["selftest"], cells["controls"]
    return {
        "symbols": SYMBOLS,
        "light_groups": light_groups(list(selftest.rows)),
        "red": _of_light(selftest, "red"),
        "amber": _of_light(selftest, "amber"),
        "red_is_leak": any(key[0] not in GROUPS[REST] for key in _of_light(selftest, "red")),
        "control_words": CONTROL_WORDS,
        "control_keys": [(name,) for name in CONTROL_WORDS if name in CONTROL_NAMES and (name,) in controls],
        "near_mode": study.near_mode,
        "near_pairs": _near_pairs(study, cells["near_duplicates"]),
        "leak_checks": lambda key: cells["leak_types"].text(key, column="checks").split(),
        "leak_warnings": lambda key: cells["leak_types"].text(key, column="warnings").split(),
        "drawn": str(study.params.get("split", {}).get("holdout", "random")),
    }


def light_groups(keys: Sequence[Key]) -> list[tuple[str, list[Key]]]:
    """The rows of `selftest.csv` by group, each group in its own order; groups without a row are omitted."""
    named = {check for group in GROUPS.values() for check in group}
    found: dict[str, list[Key]] = {
        heading: [(check,) for check in checks if (check,) in keys] for heading, checks in GROUPS.items()
    }
    found[REST] += [key for key in keys if key[0] not in named]
    return [(heading, own) for heading, own in found.items() if own]


def _of_light(selftest: Cells, light: str) -> list[Key]:
    ordered = [key for _, keys in light_groups(list(selftest.rows)) for key in keys]
    return [key for key in ordered if selftest.text(key, column="light") == light]


def _near_pairs(study: ReportInputs, table: Cells) -> list[tuple[Key, str, str]]:
    """Each pair that is shown: its key in near_duplicates.csv and its two images as data addresses."""
    near = study.near
    shown = [key for key, row in table.rows.items() if row["shown"] == "1"]
    return [
        (key, data_address(near.thumbnails[str(pair.image_a)]), data_address(near.thumbnails[str(pair.image_b)]))
        for key, pair in zip(shown, near.pairs.itertuples(), strict=False)
    ]
