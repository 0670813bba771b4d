"""Which ROIs give which block of radiomics in which resample: predicted masks differ by resample, given ones do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.contracts.data.crop import PREDICTED as BY_PREDICTION
from pipeline.contracts.data.crop import rois_in
from pipeline.contracts.data.embed import NO_FILES, SUFFIX, write_embeddings
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.plan.feature_sets import PREDICTED, RADIOMICS
from pipeline.plan.radiomics_use import RadiomicsUse

Files = tuple[str, str]  # image and mask of an ROI


@dataclass(frozen=True, kw_only=True)
class RoiGroup:
    """The ROIs of one block in one resample, as `rois.csv`."""

    block: str
    resample: str
    rois: pd.DataFrame


def roi_groups(rois: pd.DataFrame, predicted: pd.DataFrame, *, use: RadiomicsUse) -> list[RoiGroup]:
    """The groups to extract: `radiomics` in `final`, and in every other resample if a mask of it was predicted;
    `radiomics_predicted` in every resample. `predicted` as `predicted_rois.csv`.
    """
    others = sorted(set(predicted["resample"]) - {FINAL})
    groups = []
    if use.used:
        groups.append(RoiGroup(block=RADIOMICS, resample=FINAL, rois=rois))
        differ = "mask_source" in rois and bool((rois["mask_source"] == BY_PREDICTION).any())
        for resample in others if differ else []:
            own = rois_in(rois, predicted, resample=resample)
            groups.append(RoiGroup(block=RADIOMICS, resample=resample, rois=own))
    if use.predicted:
        by_resample = {str(name): rows.drop(columns="resample") for name, rows in predicted.groupby("resample")}
        for resample in [FINAL, *others]:
            # Without held-out cohorts `final` predicts training patients alone, which is all that there are.
            own = by_resample.get(resample, predicted.head(0).drop(columns="resample"))
            groups.append(RoiGroup(block=PREDICTED, resample=resample, rois=own))
    return groups


def files_of(rois: pd.DataFrame) -> list[Files]:
    """Image and mask of each ROI, which tell apart the ROIs of an image; those of a failed one name the image."""
    return [
        (str(row.image), str(row.mask)) if row.status == "ok" else (f"failed {row.image_id}", str(row.reason))
        for row in rois.itertuples(index=False)
    ]


def distinct(groups: Sequence[RoiGroup]) -> pd.DataFrame:
    """The ROIs of all groups, each once, in their order."""
    table = pd.concat([group.rois for group in groups], ignore_index=True)
    keys = pd.Series(files_of(table), index=table.index)
    return table[~keys.duplicated()].reset_index(drop=True)


def write_resample(
    group: RoiGroup, rows: Mapping[Files, dict[str, Any]], *, names: Sequence[str], empty: Sequence[str], folder: Path
) -> None:
    """Write the features `names` of the usable ROIs of a group to its file in `folder`; those in `empty` are NaN.

    `rows` are the results of `extract_case` by files.
    """
    found = [rows[files] for files in files_of(group.rois)]
    usable = [row for row in found if row["values"] is not None]
    table = pd.DataFrame([row["values"] for row in usable], columns=list(names), dtype="float64")
    table.loc[:, list(empty)] = float("nan")
    keys = pd.DataFrame({"resample": group.resample, "part": ALL, "image_id": [row["image_id"] for row in usable]})
    write_embeddings(pd.concat([keys, table], axis=1), folder)


def note_no_resamples(folder: Path) -> None:
    """Write a note into the folder of a block if no resample has a file there."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.glob(f"*{SUFFIX}")):
        note = "No mask was predicted, so the table holds for every resample.\n"
        (folder / NO_FILES).write_text(note, encoding="utf-8")
