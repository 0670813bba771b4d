"""The lights that need no fit: near copies, declared origins, dates, failed extractions, the two engines."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.contracts.data.cohort import BLOCK_ORIGINS, NEAR_DUPLICATES
from pipeline.contracts.data.radiomics import ENGINE_CHECK
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_csv, read_table
from pipeline.plan.feature_sets import RADIOMICS, FusionParams
from pipeline.selftest.dates import dates_check
from pipeline.selftest.engine_check import engine_check
from pipeline.selftest.extraction import extraction_check
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check
from pipeline.selftest.near_images import near_images_check
from pipeline.selftest.ready_made import ready_made_check

FILES = ("origins", "near", "engine-check")
NOT_SEARCHED = "off"


def data_checks(inputs: Inputs, *, given: Mapping[str, Path], near_duplicates: str) -> list[Check]:
    """The lights of what `cohort` and `radiomics` found and of what the user declared.

    `given` has the flags of the stage by name; `near_duplicates` is the mode of the search in params/cohort.yaml.
    Raises TableError if a table is missing or breaks its contract.
    """
    used = load_params(given["fusion"], FusionParams).blocks
    pairs = read_table(given["near"] / "pairs.csv", NEAR_DUPLICATES)
    splits = inputs.tables.splits
    found = [
        near_images_check(pairs, splits=splits, searched=near_duplicates != NOT_SEARCHED),
        ready_made_check(read_table(given["origins"], BLOCK_ORIGINS), used=used),
        dates_check(inputs.tables.patients, splits=splits),
    ]
    if RADIOMICS in used:
        statuses = ["image_id", "status"]
        extraction = read_csv(given["features"] / f"{RADIOMICS}.csv", text_columns=statuses, columns=statuses)
        found.append(extraction_check(inputs.rois, extraction))
        found.append(engine_check(read_table(given["engine_check"], ENGINE_CHECK)))
    return found
