"""The variables of the templates that concern masks and habitats, and which of these sections a study has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.contracts.reports.explain import KINDS
from pipeline.contracts.reports.segment import EVALUATIONS
from pipeline.report.figures.regions import area_figure, dice_figure, fraction_figure, icc_figure
from pipeline.report.inputs import ReportInputs
from pipeline.report.overlays import habitat_colours
from pipeline.report.page.cited_numbers import Cells
from pipeline.report.page.markup import data_address
from pipeline.report.tables.habitats import fractions_of, shown_part
from pipeline.report.tables.segmentation import main_evaluation

Key = tuple[str, ...]
SEGMENTATION, HABITATS = "segmentation", "habitats"  # the sections
SOURCE_WORDS = {
    "file": "given as a file",
    "polygons": "given as polygons",
    "full": "the whole image",
    "predicted": "predicted by a network",
    "none": "no mask",
}
EVALUATION_WORDS = {
    "cv": "cross-validation: held-out folds of the training patients",
    "internal": "internal test patients",
    "external": "external test patients",
    "folds_internal": "internal test patients, by the network of each fold",
    "folds_external": "external test patients, by the network of each fold",
    "ensemble_internal": "internal test patients, by the ensemble of the networks of all folds",
    "ensemble_external": "external test patients, by the ensemble of the networks of all folds",
    "other_half": "training patients, by the network of the other half of them",
}
# Published metrics with their faults, beside ours.
PARITY_WORDS = {
    "dice_parity": "Dice",
    "iou_parity": "IoU",
    "accuracy_parity": "accuracy",
    "auc_parity": "AUC of the binary mask",
    "hd95_all_foreground_parity": "distance over all foreground pixels",
}


@dataclass(frozen=True, kw_only=True)
class HabitatLegend:
    """One habitat on the page: its key in habitats.csv and its colour in the pictures."""

    key: Key
    colour: str


def region_variables(
    study: ReportInputs, *, cells: Mapping[str, Cells], tables: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """The variables of the templates `segmentation`, `mask_effect` and `habitats`, and the sections that are absent."""
    sources = [key[0] for key in cells["mask_sources"].rows if key[1] == "all"]
    shown = {
        SEGMENTATION: bool(cells["segmentation_summary"].rows) or bool(study.regions.pairs) or "predicted" in sources,
        HABITATS: bool(study.regions.clusterings),
    }
    return {
        "absent": {name for name, present in shown.items() if not present},
        "sources": sources,
        "source_words": SOURCE_WORDS,
        "needs_masks": "predicted" in sources or bool(study.regions.pairs),
        "effect_pairs": study.regions.pairs,
        **_segmentation(study, cells=cells),
        **_habitats(study, cells=cells, tables=tables),
        "region_drawings": _drawings(study, tables=tables),
    }


def _segmentation(study: ReportInputs, *, cells: Mapping[str, Cells]) -> dict[str, Any]:
    summary, own = cells["segmentation_summary"], study.results["segmentation_summary"]
    named = [str(name) for name in study.params.get("segment", {}).get("networks") or ()]
    networks = sorted(set(own["network"]), key=lambda name: (named.index(name) if name in named else len(named), name))
    return {
        "mask_networks": networks,
        "mask_evaluations": [name for name in EVALUATIONS if name in set(own["evaluation"])],
        "evaluation_words": EVALUATION_WORDS,
        "mask_metrics": {key[2] for key, row in summary.rows.items() if row["estimate"] != ""},
        "parity_words": PARITY_WORDS,
        "parity": bool(own["parity"].astype("float64").gt(0).any()),
        "mask_examples": _mask_examples(study, cells["segmentation_examples"]),
    }


def _mask_examples(study: ReportInputs, table: Cells) -> dict[str, list[tuple[Key, str]]]:
    """For each example by kind: its key in segmentation_examples.csv and its picture as a data address."""
    found: dict[str, list[tuple[Key, str]]] = {}
    for (key, row), png in zip(table.rows.items(), study.regions.example_pictures, strict=True):
        found.setdefault(row["kind"], []).append((key, data_address(png)))
    return found


def _habitats(study: ReportInputs, *, cells: Mapping[str, Cells], tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    regions, part = study.regions, shown_part(study.regions.clusterings)
    examples: dict[str, list[tuple[Key, str]]] = {kind: [] for kind in KINDS}
    for row in tables["habitat_examples"].itertuples():
        picture = data_address(regions.habitat_pictures[str(row.number)][1])
        examples[str(row.kind)].append(((str(row.number),), picture))
    return {
        "habitat_part": part,
        "habitat_legends": {name: _legend(cells["habitats"], name) for name in sorted(regions.clusterings)},
        "habitat_choices": [key for key in cells["habitat_choice"].rows if key[0] == part],
        "chosen_habitats": [
            key for key, row in cells["habitat_choice"].rows.items() if key[0] == part and row["chosen"] == "1"
        ],
        "habitat_examples": examples,
        "outcomes": list(dict.fromkeys(tables["habitat_fractions"]["outcome"])),
    }


def _legend(habitats: Cells, part: str) -> Sequence[HabitatLegend]:
    keys = [key for key in habitats.rows if key[0] == part]
    return [
        HabitatLegend(key=key, colour=f"rgb({red} {green} {blue})")
        for key, (red, green, blue) in zip(keys, habitat_colours(len(keys)), strict=True)
    ]


def _drawings(study: ReportInputs, *, tables: Mapping[str, pd.DataFrame]) -> dict[str, Markup | None]:
    """The figures by the names that the templates use; None if there is nothing to draw."""
    table, part = study.results["segmentation"], shown_part(study.regions.clusterings)
    known = table[table["dice"].notna()]
    areas = None
    if len(known):
        evaluation, network = main_evaluation(known), _first_network(study, known)
        own = known[(known["evaluation"] == evaluation) & (known["network"] == network)]
        areas = area_figure(own, title=f"Size of the masks by {network}, {evaluation}")
    fractions = None
    if part is not None:
        rows = fractions_of(
            study.regions.habitats,
            cohort=study.cohort,
            patients=study.patients,
            clusterings={part: study.regions.clusterings[part]},
        )
        own = tables["habitat_fractions"].query("part == @part")
        fractions = fraction_figure([row[1:] for row in rows], table=own, title="Habitats by outcome")
    return {
        "dice": dice_figure(known, title="Dice of every image by network"),
        "areas": areas,
        "icc": icc_figure(tables["mask_effect"], title="Agreement of features between given and predicted masks"),
        "fractions": fractions,
    }


def _first_network(study: ReportInputs, table: pd.DataFrame) -> str:
    """The network that predicts the masks (the first of params/segment.yaml), or the first that was evaluated."""
    found = sorted(set(table["network"]))
    named = [str(name) for name in study.params.get("segment", {}).get("networks") or ()]
    return next((name for name in named if name in found), found[0])
