"""The self-tests of results that are there: lesion size beside the models, and who was where."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.predictions.model_scores import model_scores
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check
from pipeline.selftest.membership import (
    consistency_check,
    image_hashes,
    images_check,
    networks_checks,
    patients_check,
    scored_check,
    thresholds_check,
)
from pipeline.selftest.selftest import chosen_models, where_it_counts
from pipeline.selftest.size_alone import lesion_sizes, size_checks, size_table


def size_results(inputs: Inputs, *, limit: float) -> tuple[list[Check], pd.DataFrame]:
    """The lights of lesion size where the primary comparison is made, and `size_alone.csv` for every evaluation.

    `limit`: the correlation of score and size above which a model is called a ruler.
    """
    models = chosen_models(model_scores(inputs.predictions, place="data/predictions"), chosen=inputs.chosen)
    counted, primary = where_it_counts(models, chosen=inputs.chosen)
    sizes, training = lesion_sizes(inputs.rois), inputs.training
    checks = size_checks(sizes, chosen=counted, primary=primary, training=training, limit=limit)
    return checks, size_table(sizes, chosen=models, training=training)


def _seen_by(cards: Sequence[Mapping[str, Any]], *, usable: pd.DataFrame, group: pd.Series) -> dict[str, str]:
    """The group of every patient of whom a network can see an image; a network of views sees those views alone."""
    views = next((card["settings"]["views"] for card in cards if "views" in card.get("settings", {})), None)
    rows = usable if views is None else usable[usable["view"].isin(views)]
    return {str(patient): str(group[patient]) for patient in rows["patient_id"].unique()}


def identity_checks(inputs: Inputs, *, images: Path) -> list[Check]:
    """The lights of who was where, and of the printed figures; `images` is the folder of the cohort's images."""
    splits, usable = inputs.tables.splits, inputs.rois[inputs.rois["status"] == "ok"]
    hashes = image_hashes(inputs.cohort, folder=images)
    group = inputs.tables.patients.set_index("patient_id")["group_id"]
    pictured = {net: _seen_by(cards, usable=usable, group=group) for net, cards in inputs.cards.items()}
    return [
        patients_check(splits, patients=inputs.tables.patients),
        images_check(hashes, cohort=inputs.cohort, splits=splits),
        scored_check(inputs.predictions, splits=splits),
        thresholds_check(inputs.predictions, rule=inputs.common.threshold),
        *networks_checks(inputs.cards, described=inputs.described, splits=splits, groups=pictured),
        consistency_check(inputs.consistency),
    ]
