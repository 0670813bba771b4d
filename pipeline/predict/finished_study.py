"""A finished study on disk, as a bundle is made from it: its params and the tables that its stages wrote."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar, cast

import pandas as pd

from pipeline.benchmark.design_matrices import Design, design_matrices
from pipeline.benchmark.model_files import SavedModel, load_model
from pipeline.cohort.cohort import CohortParams
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import COHORT, NOT_CLINICAL, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.reduce import REDUCED
from pipeline.contracts.data.split import FINAL, SPLITS
from pipeline.contracts.reports.compare import CHOSEN, METRICS
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.crop.rois import CropParams
from pipeline.embed.params import EmbedParams
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import CommonParams, Params, load_params
from pipeline.foundation.tables import read_table
from pipeline.plan.comparison import CompareParams
from pipeline.plan.feature_sets import FusionParams
from pipeline.plan.radiomics_use import RadiomicsUse, read_radiomics_use
from pipeline.radiomics.features import RadiomicsParams
from pipeline.reduce.block_tables import BlockPlaces, read_blocks
from pipeline.reduce.blocks import Block

P = TypeVar("P", bound=Params)
AGAIN = "run dvc repro, then make the bundle again"


@dataclass(frozen=True, kw_only=True)
class FinishedStudy:
    """The folders of a study: `params`, `data`, `tables` (of the reports); read when asked for.

    Every property raises PipelineError as the reader of its table does.
    """

    params: Path
    data: Path
    tables: Path

    def settings(self, name: str, model: type[P]) -> P:
        """The params of a stage."""
        return load_params(self.params / f"{name}.yaml", model)

    @cached_property
    def seed(self) -> int:
        """The common seed."""
        return self.settings("common", CommonParams).seed

    @cached_property
    def import_params(self) -> CohortParams:
        """`params/cohort.yaml`."""
        return self.settings("cohort", CohortParams)

    @cached_property
    def crop(self) -> CropParams:
        """`params/crop.yaml`."""
        return self.settings("crop", CropParams)

    @cached_property
    def radiomics(self) -> RadiomicsParams:
        """`params/radiomics.yaml`."""
        return self.settings("radiomics", RadiomicsParams)

    @cached_property
    def embed(self) -> EmbedParams:
        """`params/embed.yaml`."""
        return self.settings("embed", EmbedParams)

    @cached_property
    def use(self) -> RadiomicsUse:
        """What radiomics are for in this study."""
        return read_radiomics_use(self.data / "settings" / "radiomics.json")

    @cached_property
    def cohort(self) -> pd.DataFrame:
        """`cohort.csv`."""
        return read_table(self.data / "cohort.csv", COHORT)

    @cached_property
    def patients(self) -> pd.DataFrame:
        """`patients.csv`."""
        return read_table(self.data / "patients.csv", PATIENTS)

    @cached_property
    def splits(self) -> pd.DataFrame:
        """`splits.csv`."""
        return read_table(self.data / "splits.csv", SPLITS)

    @cached_property
    def rois(self) -> pd.DataFrame:
        """`rois.csv`."""
        return read_table(self.data / "rois.csv", ROIS)

    @cached_property
    def chosen(self) -> pd.DataFrame:
        """`chosen.csv`."""
        return read_table(self.tables / "chosen.csv", CHOSEN)

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """`metrics.csv`."""
        return read_table(self.tables / "metrics.csv", METRICS)

    @cached_property
    def lights(self) -> pd.DataFrame:
        """`selftest.csv`."""
        return read_table(self.tables / "selftest.csv", SELFTEST)

    @property
    def clinical(self) -> pd.DataFrame:
        """The clinical columns, index patient_id."""
        columns = [name for name in self.patients.columns if name not in NOT_CLINICAL]
        return self.patients.set_index("patient_id")[columns]

    @property
    def training(self) -> list[str]:
        """The training patients of resample `final`."""
        rows = self.splits[(self.splits["resample"] == FINAL) & (self.splits["role"] == "train")]
        return [str(patient) for patient in rows["patient_id"]]

    def blocks_of(self, feature_set: str) -> tuple[str, ...]:
        """The blocks of a set. Raises PipelineError if the params have no such set."""
        sets = self.settings("fusion", FusionParams).sets
        if feature_set not in sets:
            known = ", ".join(sets)
            raise PipelineError(f"params/fusion.yaml: there is no set '{feature_set}'; the sets are {known}")
        return sets[feature_set]

    def primary_set(self) -> str:
        """The set named by params/compare.yaml. Raises PipelineError if it names none."""
        primary = self.settings("compare", CompareParams).primary
        if primary is None:
            raise PipelineError("params/compare.yaml names no primary set; name the set of the bundle (SET=combined)")
        return primary.feature_set

    def classifier_of(self, feature_set: str) -> str:
        """The classifier chosen for a set by cross-validation."""
        own = self.chosen[(self.chosen["feature_set"] == feature_set) & (self.chosen["kind"] == "classifier")]
        if own.empty:
            raise PipelineError(
                f"{self.tables / 'chosen.csv'}: no classifier was chosen for set {feature_set}; {AGAIN}"
            )
        return str(own["model"].iloc[0])

    def blocks(self, feature_set: str) -> list[Block]:
        """The blocks of a set with their raw features."""
        nets = self.embed.nets
        places = BlockPlaces(
            cohort=self.data / "cohort.csv", features=self.data / "features", blocks=self.data / "blocks", nets=nets
        )
        names = self.blocks_of(feature_set)
        return read_blocks(names, places=places, patients=self.patients, splits=self.splits)

    def designs(self, feature_set: str) -> list[Design]:
        """The design matrices of a set, of every resample and part."""
        path = self.data / "reduced" / f"{feature_set}.csv"
        return design_matrices(read_table(path, REDUCED), self.patients, self.splits, place=str(path))

    def predictions(self, feature_set: str, *, model: str) -> pd.DataFrame:
        """The rows of one model in `predictions/<set>.csv`."""
        table = read_table(self.data / "predictions" / f"{feature_set}.csv", PREDICTIONS)
        return table[table["model"] == model]

    def model(self, feature_set: str, *, model: str, part: str) -> tuple[SavedModel, Path]:
        """A saved classifier of resample `final`, and its file."""
        card = self.data / "models" / feature_set / f"{model}_{part}.card.json"
        if not card.is_file():
            known = sorted({path.name.partition("_")[0] for path in card.parent.glob("*.card.json")})
            raise PipelineError(f"{card}: there is no such model; {card.parent} has {', '.join(known) or 'none'}")
        saved = load_model(card)
        return saved, card.parent / cast("str", saved.card["file"])
