"""The features of repeated masks, as the agreement filter of a block learns from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.contracts.data.agreement import REPEATS, Place, repeats_files
from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.split import ALL
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.tables import read_table


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Features of repeated masks, one row per image and mask, index patient_id: `whole` by block, those that are the
    same in every resample; `files` by block, resample and part, read when they are asked for.
    """

    whole: Mapping[str, pd.DataFrame]
    files: Mapping[Place, Path]
    owner: pd.Series

    def of(self, block: str | None, *, rows: tuple[str, str], patients: Iterable[str]) -> pd.DataFrame | None:
        """The repeated masks of `patients` for the filter of a block in a resample and part (`rows`).

        None if no mask was repeated in this study, or the block has no masks (None). A block that was measured, but not
        in these rows, gives no row, which the filter refuses. Raises PipelineError if other blocks were measured on
        repeated masks and this one was not, TableError or PipelineError as `read_repeats`.
        """
        if block is None or not (self.whole or self.files):
            return None
        if block in self.whole:
            found = self.whole[block]
        elif (block, *rows) in self.files:
            found = _read(self.files[block, *rows], owner=self.owner)
        elif any(block == known for known, _, _ in self.files):
            return REPEATS.empty()
        else:
            raise PipelineError(f"data/repeats.csv and its folder hold no masks of block {block}; run agreement again")
        return found[found.index.isin(list(patients))]


def read_repeats(path: Path, *, cohort: Path) -> Repeats:
    """The features of repeated masks: the table `path` and the files in its folder.

    Raises TableError for a table that breaks its contract, PipelineError for an image that is not in the cohort.
    """
    # Absolute, since a worker on a cluster starts in another folder.
    files = {place: file.resolve() for place, file in repeats_files(path).items()}
    owner = read_table(cohort, COHORT).set_index("image_id")["patient_id"]
    whole = {place[0]: _read(files.pop(place), owner=owner) for place in list(files) if place[1:] == (ALL, ALL)}
    return Repeats(whole={block: table for block, table in whole.items() if len(table)}, files=files, owner=owner)


def _read(path: Path, *, owner: pd.Series) -> pd.DataFrame:
    repeats = read_table(path, REPEATS)
    if unknown := sorted(set(repeats["image_id"]) - set(owner.index)):
        raise PipelineError(f"{path}: image {unknown[0]} is not in the cohort; run agreement again")
    return repeats.set_index(pd.Index(repeats["image_id"].map(owner), name="patient_id"))
