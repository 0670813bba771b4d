"""The pipeline's tests of itself: what they need, in which order, and the table of lights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from pydantic import Field

from pipeline import result_contracts
from pipeline.benchmark import BenchmarkParams
from pipeline.blocks import ALL, Block
from pipeline.checkpoints import CheckpointStore
from pipeline.classifiers import ModelName
from pipeline.model_scores import ModelScores
from pipeline.params import Params
from pipeline.reduce import reduce_cases
from pipeline.reducers import ReduceParams
from pipeline.selftests.checks import RED, Check
from pipeline.selftests.garbage_rows import artefacts, garbage_check, noise, spoilt_case, without_test_rows
from pipeline.selftests.sham_labels import LEAST_SHUFFLES, Study

FINAL = "final"


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
    seed: int


def recipe_of(params: SelftestParams, *, reduce: ReduceParams, benchmark: BenchmarkParams, seed: int) -> Recipe:
    """The study's own parameters, with one classifier and without half-samples, which only `final` has."""
    return Recipe(
        reduce=reduce, benchmark=benchmark.model_copy(update={"classifiers": (params.classifier,)}), seed=seed
    )


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


def garbage(tables: Tables, *, recipe: Recipe, store: CheckpointStore) -> Check:
    """Fit resample `final` three times: as it is, with noise in the test rows, and without them."""
    splits = tables.splits[tables.splits["resample"] == FINAL]
    (case,) = reduce_cases(tables.blocks, patients=tables.patients, splits=splits, parts=(ALL,), repeats=tables.repeats)
    variants = {
        "real": case,
        "noise": spoilt_case(case, spoil=noise(recipe.seed)),
        "none": without_test_rows(case),
    }
    found = {
        name: artefacts(
            one,
            patients=tables.patients,
            splits=splits,
            reduce=recipe.reduce,
            benchmark=recipe.benchmark,
            seed=recipe.seed,
            store=CheckpointStore(store.folder / "garbage", key=name),
        )
        for name, one in variants.items()
    }
    return garbage_check(found.pop("real"), spoilt=found)


def training_sites(training: pd.Series, patients: pd.DataFrame) -> int:
    """How many sites the training patients come from; unknown sites do not count."""
    return int(patients.loc[patients["patient_id"].isin(training.index), "site"].dropna().nunique())


def chosen_models(
    models: Sequence[ModelScores], *, chosen: pd.DataFrame
) -> tuple[list[ModelScores], ModelScores | None]:
    """The chosen models in the primary evaluation (else external, internal, cv), and the primary model there."""
    keys = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    primary = chosen[chosen["role"] == "primary"]
    found = {model.evaluation for model in models}
    wanted = [*primary["evaluation"], "external", "internal", "cv"]
    evaluation = next((name for name in wanted if name in found), "cv")
    own = [m for m in models if m.evaluation == evaluation and (m.feature_set, m.model) in keys]
    names = set(zip(primary["feature_set"], primary["model"], strict=True))
    return own, next((model for model in own if (model.feature_set, model.model) in names), None)


def selftest_table(checks: Sequence[Check]) -> pd.DataFrame:
    """`selftest.csv`: one row a check."""
    columns = [column.name for column in result_contracts.SELFTEST.columns]
    return pd.DataFrame([vars(check) for check in checks]).reindex(columns=columns)


def failing(checks: Sequence[Check], *, strategies: set[str], allow_insample: bool) -> list[Check]:
    """The red checks that stop the run: all of them, but for in-sample networks where the params allow these."""
    allowed = allow_insample and "insample" in strategies
    return [check for check in checks if check.light == RED and not (allowed and check.check == "networks_apart")]


def described_patients(features: Mapping[str, pd.DataFrame], *, cohort: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Resample, part and patient_id of every row that each network describes; `features` by network."""
    owner = cohort.set_index("image_id")["patient_id"]
    return {
        net: table[["resample", "part"]].assign(patient_id=table["image_id"].map(owner))
        for net, table in features.items()
    }
