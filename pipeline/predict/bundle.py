"""What a bundle holds: everything that turns images, masks and clinical values of a new patient into a probability."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

import numpy as np
from pydantic import BaseModel, Field, ValidationError, model_validator

from pipeline.benchmark.classifiers import ModelName
from pipeline.benchmark.model_files import SavedModel, from_bytes
from pipeline.cohort.mask_files import MaskParams
from pipeline.cohort.table_checks import TableAuditParams
from pipeline.cohort.voxel_checks import VoxelParams
from pipeline.crop.rois import CropParams
from pipeline.embed.params import EmbedParams
from pipeline.foundation.errors import PipelineError, machine_fault
from pipeline.foundation.fingerprints import package_versions, rooms_hash
from pipeline.foundation.params import Params
from pipeline.plan.feature_sets import CLINICAL, RADIOMICS, network_behind
from pipeline.predict.bundle_files import read_bundle
from pipeline.predictions.operating_point import OperatingPoint
from pipeline.radiomics.features import RadiomicsParams
from pipeline.radiomics.presets import Grid
from pipeline.reduce.block_reducer import BlockReducer
from pipeline.reduce.reducer_files import SUFFIX
from pipeline.reduce.reducer_files import from_bytes as reducer_from_bytes
from pipeline.statistics.prototypes import Prototypes

FORMAT = 1
ABOUT, REFERENCES, CARD = "bundle.json", "references.json", "card.md"
# Whatever can change a score, a flag or a contribution.
ROOMS = (
    *("foundation", "statistics", "contracts", "plan", "predictions", "networks", "training"),
    *("cohort", "crop", "radiomics", "embed", "reduce", "benchmark", "explain", "predict"),
)
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "numba",
    "SimpleITK",
    "PyWavelets",
    "scikit-image",
    "pyradiomics",
    "torch",
    "torchvision",
    "timm",
    "scikit-learn",
    "xgboost",
    "lightgbm",
    "skops",
    "pillow",
)
KIND_OF = {"xgboost": "xgboost", "lightgbm": "lightgbm"}  # the library of a classifier, else scikit-learn
Part = Literal["all", "a", "b"]
Line = tuple[float, Annotated[float, Field(gt=0)]]


class Point(Params):
    """The frozen operating point: intercept and slope of the recalibration, and threshold."""

    intercept: float
    slope: float = Field(gt=0)
    threshold: float = Field(ge=0, le=1)


class Background(Params):
    """Prototypes of the training rows of a part: `centres` (k, p) and how many rows each is the mean of."""

    centres: tuple[tuple[float, ...], ...] = Field(min_length=1)
    counts: tuple[Annotated[int, Field(ge=1)], ...]

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.centres) != len(self.counts) or len({len(centre) for centre in self.centres}) != 1:
            raise ValueError("The centres of a background must be as many as its counts, and of one length")
        return self

    @property
    def prototypes(self) -> Prototypes:
        """The same as arrays."""
        return Prototypes(centres=np.array(self.centres, dtype=np.float64), counts=np.array(self.counts))


class ModelCard(BaseModel):
    """What a prediction needs of the card of a saved classifier."""

    file: str
    features: list[str]
    n: int = Field(ge=1)
    events: int = Field(ge=0)


class Counts(Params):
    """The patients of a cohort."""

    n: int = Field(ge=0)
    events: int = Field(ge=0)


class Facts(Params):
    """What is printed of the study, and never computed with."""

    patients: dict[str, Counts]
    training_images: dict[str, int | str]
    training_sites: dict[str, int | str]
    training_clinical: dict[str, dict[str, Any]]
    predicted_masks: int
    evaluation: dict[str, dict[str, tuple[float | None, float | None, float | None]]]
    lights: dict[str, int]
    compared_patients: int = Field(ge=0)  # held-out patients whose scores the fitted steps give again


class Settings(Params):
    """The params of the study that a new patient goes through."""

    masks: MaskParams
    voxels: VoxelParams
    tables: TableAuditParams
    crop: CropParams
    radiomics: RadiomicsParams
    embed: EmbedParams


class About(Params):
    """`bundle.json`."""

    format: Literal[1]
    feature_set: str
    blocks: tuple[str, ...] = Field(min_length=1)
    classifier: ModelName
    chosen_by: Literal["cross-validation", "hand"]
    parts: tuple[Part, ...] = Field(min_length=1)
    views: tuple[str, ...]
    clinical: dict[str, Literal["number", "boolean", "text"]]  # columns, in the order of the study
    whole_images: bool  # whether an image without a mask counts as the lesion
    outlines: bool  # false: every mask of the study covers its image, and features of shape are empty
    form: Grid | None  # of the study's images; None: the set has no radiomics
    seed: int = Field(ge=0)
    orders: int = Field(ge=1, le=1000)  # of the features, for contributions to svm, knn and mlp
    point: Point
    recalibrations: tuple[Line, ...] = Field(min_length=1)  # of bootstrap samples of the training patients
    backgrounds: dict[Part, Background]  # of parts whose model has features
    weight_ratios: dict[str, dict[Part, tuple[float, ...]]]  # by network and part, of each member network
    settings: Settings
    facts: Facts
    versions: dict[str, str]
    code: str  # hash of ROOMS


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A bundle in memory; `files` by name, `sha256` of the whole, `place` for messages."""

    about: About
    files: Mapping[str, bytes]
    sha256: str
    place: str

    @cached_property
    def point(self) -> OperatingPoint:
        """The frozen operating point."""
        return OperatingPoint(**self.about.point.model_dump())

    @property
    def needs_images(self) -> bool:
        """Whether any block is computed from images."""
        return set(self.about.blocks) != {CLINICAL}

    @property
    def uses_radiomics(self) -> bool:
        """Whether radiomics is among the blocks."""
        return RADIOMICS in self.about.blocks

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks behind the blocks, each once."""
        nets = self.about.settings.embed.nets
        found = (network_behind(block, nets=nets) for block in self.about.blocks)
        return tuple(dict.fromkeys(net for net in found if net is not None))

    def reducer(self, block: str, part: str) -> BlockReducer:
        """The fitted reducer of a block in a part. Raises PipelineError if it is missing or damaged."""
        name = reducer_name(block, part)
        return reducer_from_bytes(self._file(name), place=f"{self.place}: {name}")

    def model(self, part: str) -> SavedModel:
        """The classifier of a part with its card. Raises PipelineError if it is missing, damaged or not trusted."""
        name = f"models/{part}.card.json"
        try:
            card = ModelCard.model_validate(json.loads(self._file(name)))
        except (ValueError, TypeError) as error:
            raise PipelineError(f"{self.place}: {name} is no card of a model; make the bundle again") from error
        file = f"models/{Path(card.file).name}"
        content = self._file(file)
        try:
            model = from_bytes(Path(file).suffix, content)
        except PipelineError:
            raise
        except Exception as error:
            if machine_fault(error):
                raise
            # Three libraries, each with its own errors for a file that it cannot read.
            raise PipelineError(f"{self.place}: {file} is damaged ({error}); make the bundle again") from error
        background = self.about.backgrounds.get(cast("Part", part))
        if background is not None and len(background.centres[0]) != len(card.features):
            raise PipelineError(f"{self.place}: the background of part {part} does not fit its model; make it again")
        if KIND_OF.get(self.about.classifier, "sklearn") != type(model).__module__.partition(".")[0]:
            raise PipelineError(f"{self.place}: {file} is no {self.about.classifier}; make the bundle again")
        return SavedModel(card=card.model_dump(), model=model)

    def network(self, net: str, part: str) -> bytes:
        """The safetensors file of a network in a part; a frozen network has one for all parts."""
        own = network_name(net, part)
        return self._file(own if own in self.files else network_name(net, "all"))

    def _file(self, name: str) -> bytes:
        if name not in self.files:
            raise PipelineError(f"{self.place}: {name} is missing; make the bundle again")
        return self.files[name]


def reducer_name(block: str, part: str) -> str:
    """The file of a fitted reducer."""
    return f"reducers/{block}_{part}{SUFFIX}"


def network_name(net: str, part: str) -> str:
    """The file of a network's weights."""
    return f"networks/{net}_{part}.safetensors"


def load_bundle(path: Path) -> Bundle:
    """Read a bundle. Raises PipelineError if it is missing, damaged, altered, or of another format."""
    files, sha256 = read_bundle(path)
    try:
        content = json.loads(files[ABOUT])
        found = content["format"]
    except (KeyError, ValueError, TypeError) as error:
        raise PipelineError(f"{path}: {ABOUT} is missing or damaged; make the bundle again") from error
    if found != FORMAT:
        raise PipelineError(f"{path}: is of format {found}, and this version reads {FORMAT}; make the bundle again")
    try:
        about = About.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise PipelineError(f"{path}: {ABOUT}, key {key}: {first['msg']}; make the bundle again") from error
    return Bundle(about=about, files=files, sha256=sha256, place=str(path))


def differences(about: About) -> list[str]:
    """How this installation differs from the one that made the bundle, one clause per package, then the code."""
    here = package_versions(PACKAGES)
    found = [
        f"{name} {here.get(name, 'missing')} in place of {version}"
        for name, version in sorted(about.versions.items())
        if here.get(name, "missing") != version
    ]
    return found + ([] if rooms_hash(*ROOMS) == about.code else ["another version of the pipeline's code"])
