"""What the self-tests read: the study's tables, the results to be checked, the parameters of the real stages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from pipeline.benchmark.classifiers import ModelName
from pipeline.benchmark.nested_cv import PACKAGES as BENCHMARK_PACKAGES
from pipeline.benchmark.nested_cv import BenchmarkParams
from pipeline.contracts.data.agreement import repeats_files
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.split import FINAL, SPLITS
from pipeline.contracts.reports.compare import CHOSEN
from pipeline.contracts.reports.consistency import CONSISTENCY
from pipeline.crop.rois import CropParams
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.fingerprints import code_hash, file_sha256, fingerprint, package_versions
from pipeline.foundation.params import CommonParams, Params, ThresholdParams, load_params, read_yaml
from pipeline.foundation.tables import read_table
from pipeline.plan.feature_sets import RADIOMICS, FusionParams, network_behind
from pipeline.radiomics.features import RadiomicsParams
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.block_tables import (
    BlockPlaces,
    network_parts,
    read_blocks,
    read_embedded_patients,
)
from pipeline.reduce.blocks import Block, parts_of
from pipeline.reduce.reduced import PACKAGES as REDUCE_PACKAGES
from pipeline.reduce.repeats import Repeats, read_repeats

MIN_SHUFFLES = 20
PACKAGES = sorted({*REDUCE_PACKAGES, *BENCHMARK_PACKAGES, "pyradiomics", "SimpleITK"})
PARAMS = ("common", "reduce", "benchmark", "fusion", "embed", "crop", "radiomics")
FILES = ("cohort", "patients", "splits", "table", "repeats", "chosen", "consistency")
FOLDERS = ("images", "masks", "features", "blocks", "predictions", "networks")
PATHS = (*PARAMS, *FILES, *FOLDERS)


class SelftestParams(Params):
    """`params/selftest.yaml`."""

    feature_set: str = Field(min_length=1)
    classifier: ModelName
    shuffles: int = Field(ge=MIN_SHUFFLES, le=1000)
    control_voxels: int | None = Field(ge=0, le=10**12)
    size_correlation: float = Field(gt=0, le=1)
    allow_insample: bool


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables of the study: patients, splits, and the blocks of the set under test."""

    patients: pd.DataFrame
    splits: pd.DataFrame
    blocks: tuple[Block, ...]
    repeats: Repeats | None


@dataclass(frozen=True, kw_only=True)
class PrimarySet:
    """The blocks of the primary set, networks included, the parts they are reduced in, and the tables behind them."""

    blocks: tuple[Block, ...]
    parts: tuple[str, ...]
    files: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The parameters of the real stages, with one fast classifier, and the seed."""

    reduce: ReduceParams
    benchmark: BenchmarkParams
    threshold: ThresholdParams
    seed: int


def recipe_of(
    params: SelftestParams, *, reduce: ReduceParams, benchmark: BenchmarkParams, common: CommonParams
) -> Recipe:
    """The study's own parameters, with the one classifier of `params`."""
    one = benchmark.model_copy(update={"classifiers": (params.classifier,)})
    return Recipe(reduce=reduce, benchmark=one, threshold=common.threshold, seed=common.seed)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Everything read. `tables` has the blocks of the set under test without networks; `outlines` the radiomics of all
    patients (None if no set uses them); `primary` is None if no primary set with radiomics is named; `cards` and
    `embedded` are by network; `hashes` are of the files that the results depend on.
    """

    cohort: pd.DataFrame
    rois: pd.DataFrame
    tables: Tables
    outlines: Block | None
    primary: PrimarySet | None
    recipe: Recipe
    predictions: pd.DataFrame
    chosen: pd.DataFrame
    consistency: pd.DataFrame
    common: CommonParams
    crop: CropParams
    radiomics: RadiomicsParams
    cards: Mapping[str, list[dict[str, Any]]]
    embedded: Mapping[str, pd.DataFrame]
    hashes: tuple[str, ...]

    @property
    def training(self) -> pd.Series:
        """The labels of the training patients of resample `final`, index patient_id."""
        splits = self.tables.splits
        train = splits.loc[(splits["resample"] == FINAL) & (splits["role"] == "train"), "patient_id"]
        return self.tables.patients.set_index("patient_id")["label"].loc[list(train)]

    def key(self, params: SelftestParams) -> str:
        """The key of the store of finished work: a hash of everything that the work depends on."""
        settings = (params, self.recipe, self.crop, self.radiomics)
        return fingerprint(self.hashes, settings, code_hash(), package_versions(PACKAGES))


def read_inputs(given: Mapping[str, Path], *, params: SelftestParams) -> Inputs:
    """Read everything; `given` has the flags of the stage by name.

    Raises ParamsError if the set under test is absent or has networks only, TableError if a table is missing.
    """
    fusion, common = load_params(given["fusion"], FusionParams), load_params(given["common"], CommonParams)
    nets = tuple(str(net) for net in read_yaml(given["embed"]).get("nets", ()))
    names = _blocks_to_try(params, fusion=fusion, nets=nets, place=str(given["fusion"]))
    patients, splits = read_table(given["patients"], PATIENTS), read_table(given["splits"], SPLITS)
    places = BlockPlaces(cohort=given["cohort"], features=given["features"], blocks=given["blocks"], nets=nets)
    reduction, fitting = load_params(given["reduce"], ReduceParams), load_params(given["benchmark"], BenchmarkParams)
    cohort = read_table(given["cohort"], COHORT)
    chosen, study = read_table(given["chosen"], CHOSEN), {"patients": patients, "splits": splits}
    primary = _primary_set(chosen, fusion=fusion, places=places, **study)
    shown = (RADIOMICS,) if RADIOMICS in fusion.blocks else ()
    used = _used_networks(nets, fusion=fusion, predictions=given["predictions"])
    files = [given[name] for name in ("cohort", "patients", "splits", "table", "chosen")]
    files += repeats_files(given["repeats"]).values()
    files += places.tables([*names, *shown]) + list(primary.files if primary else ())
    return Inputs(
        cohort=cohort,
        rois=read_table(given["table"], ROIS),
        tables=Tables(
            patients=patients,
            splits=splits,
            blocks=tuple(read_blocks(names, places=places, patients=patients, splits=splits)),
            repeats=read_repeats(given["repeats"], cohort=given["cohort"]) if reduction.agreement else None,
        ),
        outlines=next(iter(read_blocks(shown, places=places, **study)), None),
        primary=primary,
        recipe=recipe_of(params, reduce=reduction, benchmark=fitting, common=common),
        predictions=_predictions(given["predictions"], names=[*fusion.sets, *(f"{net}_head" for net in used)]),
        chosen=chosen,
        consistency=read_table(given["consistency"], CONSISTENCY),
        common=common,
        crop=load_params(given["crop"], CropParams),
        radiomics=load_params(given["radiomics"], RadiomicsParams),
        cards={net: _cards(given["networks"] / net) for net in used},
        embedded=_embedded(used, features=given["features"], cohort=cohort),
        hashes=tuple(file_sha256(path) for path in files),
    )


def _blocks_to_try(
    params: SelftestParams, *, fusion: FusionParams, nets: tuple[str, ...], place: str
) -> tuple[str, ...]:
    if params.feature_set not in fusion.sets:
        raise ParamsError(
            f"params/selftest.yaml: key 'feature_set' names {params.feature_set}, which is not in {place}; "
            f"the sets are {', '.join(fusion.sets)}"
        )
    names = tuple(name for name in fusion.sets[params.feature_set] if network_behind(name, nets=nets) is None)
    if not names:
        raise ParamsError(
            f"params/selftest.yaml: key 'feature_set' names {params.feature_set}, which has networks only; name a set "
            "with another block"
        )
    return names


def _primary_set(
    chosen: pd.DataFrame, *, fusion: FusionParams, places: BlockPlaces, patients: pd.DataFrame, splits: pd.DataFrame
) -> PrimarySet | None:
    """The primary set as `reduce` reads it; None if none is named, or it has no radiomics."""
    named = chosen.loc[chosen["role"] == "primary", "feature_set"]
    names = fusion.sets.get(str(named.iloc[0]), ()) if len(named) else ()
    if RADIOMICS not in names:
        return None
    parts = parts_of(network_parts(fusion.blocks, places=places), used=names, match_parts=fusion.match_parts)
    blocks = read_blocks(names, places=places, patients=patients, splits=splits)
    return PrimarySet(blocks=tuple(blocks), parts=parts, files=tuple(places.tables(names)))


def _used_networks(nets: Sequence[str], *, fusion: FusionParams, predictions: Path) -> list[str]:
    """The networks behind a block of any set, and those whose head has scores."""
    named = {network_behind(block, nets=nets) for block in fusion.blocks}
    return [net for net in nets if net in named or (predictions / f"{net}_head.csv").exists()]


def _embedded(nets: Sequence[str], *, features: Path, cohort: pd.DataFrame) -> dict[str, pd.DataFrame]:
    owner = cohort.set_index("image_id")["patient_id"]
    return {net: read_embedded_patients(features / f"{net}.csv", owner=owner) for net in nets}


def _predictions(folder: Path, *, names: Sequence[str]) -> pd.DataFrame:
    """The scores of all sets and heads; the head of a frozen network has none."""
    found = [read_table(folder / f"{name}.csv", PREDICTIONS) for name in names]
    return pd.concat([table for table in found if len(table)], ignore_index=True)


def _cards(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
