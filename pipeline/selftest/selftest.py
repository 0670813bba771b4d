"""The pipeline's tests of itself: what they need, in which order, and the table of lights."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
from pydantic import Field

from pipeline.benchmark.classifiers import ModelName
from pipeline.benchmark.nested_cv import BenchmarkParams
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import CommonParams, Params, ThresholdParams
from pipeline.predictions.model_scores import ModelScores
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.blocks import Block
from pipeline.reduce.reduced import reduce_cases
from pipeline.selftest.garbage_rows import Variant, artefacts, variants
from pipeline.selftest.lights import RED, Check
from pipeline.selftest.sham_labels import LEAST_SHUFFLES, Study


class SelftestParams(Params):
    """`params/selftest.yaml`."""

    feature_set: str = Field(min_length=1)
    classifier: ModelName
    shuffles: int = Field(ge=LEAST_SHUFFLES, le=1000)
    shifted_images: int = Field(ge=0, le=10_000)
    size_correlation: float = Field(gt=0, le=1)
    allow_insample: bool


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The tables of the study: patients, splits, and the blocks of the set that is tried."""

    patients: pd.DataFrame
    splits: pd.DataFrame
    blocks: tuple[Block, ...]
    repeats: pd.DataFrame | None


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


def sham_study(tables: Tables, *, recipe: Recipe) -> Study:
    """What the shuffles need: every training patient in part `all`, on the resamples of cross-validation."""
    splits = tables.splits[tables.splits["resample"] != FINAL]
    cases = reduce_cases(tables.blocks, patients=tables.patients, splits=splits, parts=(ALL,), repeats=tables.repeats)
    return Study(
        patients=tables.patients,
        splits=splits,
        cases=tuple(cases),
        blocks=tuple(block.name for block in tables.blocks),
        reduce=recipe.reduce,
        benchmark=recipe.benchmark,
        seed=recipe.seed,
    )


def spoilt_studies(
    tables: Tables, *, recipe: Recipe, store: CheckpointStore
) -> tuple[list[Variant], Callable[[Variant], dict[str, str]]]:
    """The study as it is, with noise for test patients and without them, and the work on each: `artefacts`."""
    found = variants(
        tables.blocks, patients=tables.patients, splits=tables.splits, repeats=tables.repeats, seed=recipe.seed
    )
    own = CheckpointStore(store.folder, key="garbage")
    return found, partial(artefacts, **vars(recipe), store=own)


def training_sites(training: pd.Series, patients: pd.DataFrame) -> int:
    """How many sites the training patients come from; unknown sites do not count."""
    return int(patients.loc[patients["patient_id"].isin(training.index), "site"].dropna().nunique())


def chosen_models(models: Sequence[ModelScores], *, chosen: pd.DataFrame) -> list[ModelScores]:
    """The chosen models in every evaluation."""
    keys = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    return [model for model in models if (model.feature_set, model.model) in keys]


def where_it_counts(
    models: Sequence[ModelScores], *, chosen: pd.DataFrame
) -> tuple[list[ModelScores], ModelScores | None]:
    """Those of `models` in the primary evaluation (else external, internal, cv), and the primary model there."""
    primary = chosen[chosen["role"] == "primary"]
    found = {model.evaluation for model in models}
    wanted = [*primary["evaluation"], "external", "internal", "cv"]
    evaluation = next((name for name in wanted if name in found), "cv")
    own = [model for model in models if model.evaluation == evaluation]
    names = set(zip(primary["feature_set"], primary["model"], strict=True))
    return own, next((model for model in own if (model.feature_set, model.model) in names), None)


def selftest_table(checks: Sequence[Check]) -> pd.DataFrame:
    """`selftest.csv`: one row a check."""
    columns = [column.name for column in SELFTEST.columns]
    return pd.DataFrame([vars(check) for check in checks]).reindex(columns=columns)


def check_lights(checks: Sequence[Check], *, allow_insample: bool, place: str) -> None:
    """Raise PipelineError that names every red check, but for in-sample networks where the params allow these.

    `place` names the table of the lights, which is there for the user to read.
    """
    red = [one for one in checks if one.light == RED and not (allow_insample and one.check == "networks_insample")]
    if not red:
        return
    told = "; ".join(f"{one.title}: {one.finding.rstrip('.')}" for one in red)
    count = "1 self-test is" if len(red) == 1 else f"{len(red)} self-tests are"
    raise PipelineError(f"{count} red, so that no report is made; every light is in {place}. {told}.")
