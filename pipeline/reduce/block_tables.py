"""Find and read the table of each block of a feature set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.contracts.data.cohort import BLOCK, COHORT
from pipeline.contracts.data.embed import embedding_files, read_embedded_ids, read_embeddings, read_files
from pipeline.contracts.data.radiomics import RADIOMICS as FEATURES
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.tables import read_csv, read_table
from pipeline.plan.feature_sets import CLINICAL, OF_IMAGES, PREDICTED, RADIOMICS, network_behind
from pipeline.reduce.blocks import Block, clinical_block, deep_block, features_block, radiomics_block, table_block


@dataclass(frozen=True, kw_only=True)
class BlockPlaces:
    """Locations of the tables: `cohort` (file), `features` (folder, by image), `blocks` (folder, ready-made).

    `nets` are the networks of `params/embed.yaml`: the table of any other network in `features` is left over
    from earlier parameters or another cohort, and is not read.
    """

    cohort: Path
    features: Path
    blocks: Path
    nets: tuple[str, ...]

    def network(self, name: str) -> Path | None:
        """The table of the network `name` (or of its logit); None if it is not among `nets`, or has no table."""
        path = self.features / f"{name}.csv"
        other = network_behind(name, nets=self.nets) is None or self.ready_made(name)
        return path if not other and path.exists() else None

    def ready_made(self, name: str) -> Path | None:
        """The ready-made table `name`; None if there is none, or the name belongs to another block."""
        path = self.blocks / f"{name}.csv"
        return path if name not in (CLINICAL, *OF_IMAGES) and path.exists() else None

    def tables(self, names: Sequence[str]) -> list[Path]:
        """The tables that the blocks `names` are read from, the cohort's first; clinical columns are elsewhere."""
        found = [self.cohort]
        for name in names:
            if name != CLINICAL:
                ready = self.ready_made(name)
                found += [ready] if ready else embedding_files(self.features / f"{name}.csv")
        return found


def read_blocks(
    names: Sequence[str], *, places: BlockPlaces, patients: pd.DataFrame, splits: pd.DataFrame
) -> list[Block]:
    """The blocks `names`, in that order.

    Raises ParamsError for a block without a table, TableError for a table that breaks its contract, PipelineError as
    the blocks do.
    """
    return [_read_block(name, places, patients=patients, splits=splits) for name in names]


def _read_block(name: str, places: BlockPlaces, *, patients: pd.DataFrame, splits: pd.DataFrame) -> Block:
    if name == CLINICAL:
        return clinical_block(patients)
    ids = patients["patient_id"]
    if ready := places.ready_made(name):
        return table_block(read_table(ready, BLOCK), name=name, patients=ids)
    cohort = read_table(places.cohort, COHORT)
    if name in (RADIOMICS, PREDICTED):
        return _read_radiomics(name, places, cohort=cohort, patients=ids)
    if name in OF_IMAGES:
        return features_block(read_embeddings(places.features / f"{name}.csv"), name=name, cohort=cohort, patients=ids)
    if (path := places.network(name)) is None:
        raise ParamsError(
            f"params/fusion.yaml: block '{name}' is neither {', nor '.join((CLINICAL, *OF_IMAGES))}, nor a network of "
            "params/embed.yaml (key nets) or its logit, nor a ready-made table of params/cohort.yaml (key "
            "manifest.blocks); correct its name, or add it there and run its stage"
        )
    return deep_block(read_embeddings(path), name=name, cohort=cohort, splits=splits, patients=ids)


def _read_radiomics(name: str, places: BlockPlaces, *, cohort: pd.DataFrame, patients: pd.Series) -> Block:
    """The radiomics by image, and those of the resamples whose masks were predicted for them."""
    path = places.features / f"{name}.csv"
    table = read_table(path, FEATURES)
    columns = [str(column) for column in table.columns if column not in FEATURES.names]
    resampled = read_files(path, columns=columns)
    return radiomics_block(table, cohort=cohort, patients=patients, name=name, resampled=resampled)


def read_embedded_patients(path: Path, *, owner: pd.Series) -> pd.DataFrame:
    """Resample, part and patient_id of every row of the embeddings at `path` and in its folder, one file after another;
    `owner` is the patient_id by image_id. Raises TableError as `read_embedded_ids`.
    """
    rows = read_embedded_ids(path)
    return rows if "patient_id" in rows else rows.assign(patient_id=rows.pop("image_id").map(owner))


def network_parts(names: Sequence[str], *, places: BlockPlaces) -> dict[str, set[str]]:
    """The parts (all, or a and b) in the table of each network among the blocks `names`; other resamples have the same
    (`deep_block` checks it).
    """
    tables = {name: path for name in names if (path := places.network(name))}
    return {name: set(read_csv(path, columns=["part"])["part"]) for name, path in tables.items()}
