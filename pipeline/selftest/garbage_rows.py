"""Garbage in the test rows: nothing that is learned in training may change by a single byte.

The features and outcomes of the internal and external patients are replaced by noise, then these patients are removed.
Each time, a set without networks is reduced and fitted again by the pipeline's own functions, on every resample.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pipeline.benchmark.design_matrices import design_matrices
from pipeline.benchmark.nested_cv import BenchmarkParams, benchmark_cases, fit_case, raw_scores
from pipeline.contracts.data.split import ALL
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.params import ThresholdParams
from pipeline.predictions.operating_point import operating_points
from pipeline.reduce.block_reducer import ReduceParams
from pipeline.reduce.blocks import Block
from pipeline.reduce.reduced import Cases, Reduced, reduce_all, reduce_cases
from pipeline.reduce.repeats import Repeats
from pipeline.reduce.result_tables import reduced_table
from pipeline.selftest.inputs import Recipe, Tables
from pipeline.selftest.lights import Check

Spoil = Callable[[pd.DataFrame], pd.DataFrame]
REAL, NOISE, REMOVED = "real", "noise", "removed"
TESTED = ("internal", "external")
TITLE = "Test patients change nothing that the tried set and classifier learn"
RULE = (
    "Red if a selected feature, its path, a reduced training row, a cross-validated score, a threshold or a fitted "
    "model changes by one byte when the test patients are replaced by noise or removed (the value counts the changes); "
    "tried for one set without networks and one classifier."
)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """The study as passed to the pipeline's functions: with its own test patients, with noise for them, or without."""

    name: str
    cases: Cases
    blocks: tuple[str, ...]
    patients: pd.DataFrame
    splits: pd.DataFrame


def noise(seed: int) -> Spoil:
    """Every number becomes a random one of its type, decimals huge or tiny; text becomes a word never seen."""

    def spoil(rows: pd.DataFrame) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        spoilt: dict[str, Any] = {}
        for name in rows:
            kind, n = rows[name].dtype, len(rows)
            # Every column keeps its type: an integer that became a fraction would change how training rows are read.
            if pd.api.types.is_bool_dtype(kind) or pd.api.types.is_integer_dtype(kind):
                spoilt[str(name)] = pd.array(random.integers(0, 2, size=n)).astype(kind)
            elif pd.api.types.is_numeric_dtype(kind):
                spoilt[str(name)] = random.normal(size=n) * 10.0 ** random.integers(-6, 7, size=n)
            else:
                spoilt[str(name)] = ["garbage"] * n
        return pd.DataFrame(spoilt, index=rows.index)

    return spoil


def held_out_patients(splits: pd.DataFrame) -> list[str]:
    """The internal and external patients."""
    return sorted(splits.loc[splits["role"].isin(TESTED), "patient_id"].unique())


def variants(
    blocks: Sequence[Block],
    *,
    patients: pd.DataFrame,
    splits: pd.DataFrame,
    repeats: Repeats | None,
    seed: int,
) -> list[Variant]:
    """The three variants, in part `all`; none if there is no test patient."""
    tested = held_out_patients(splits)
    if not tested:
        return []
    ours = patients["patient_id"].isin(tested)
    flipped = patients.assign(label=patients["label"].where(~ours, 1 - patients["label"]))
    spoilt = [
        dataclasses.replace(block, frame=partial(_spoilt, block=block, tested=tested, spoil=noise(seed)))
        for block in blocks
    ]
    known = splits[~splits["role"].isin(TESTED)]
    given = {REAL: (blocks, patients, splits), NOISE: (spoilt, flipped, splits)}
    given[REMOVED] = (blocks, patients[~ours], known)
    return [
        Variant(
            name=name,
            cases=reduce_cases(rows, patients=people, splits=places, parts=(ALL,), repeats=repeats),
            blocks=tuple(block.name for block in blocks),
            patients=people,
            splits=places,
        )
        for name, (rows, people, places) in given.items()
    ]


def _spoilt(resample: str, part: str, *, block: Block, tested: Sequence[str], spoil: Spoil) -> pd.DataFrame:
    """The matrix of a block with spoilt rows for the patients `tested`."""
    frame = block.frame(resample, part)
    ours = frame.index.isin(tested)
    return pd.concat([frame[~ours], spoil(frame[ours])])


def artefacts(
    variant: Variant,
    *,
    reduce: ReduceParams,
    benchmark: BenchmarkParams,
    threshold: ThresholdParams,
    seed: int,
    store: CheckpointStore,
) -> dict[str, str]:
    """The hash of everything that training produces from a variant, by name; cached in `store`."""
    if (kept := store.load(variant.name)) is not None:
        return dict(kept)
    own = CheckpointStore(store.folder / "reduce", key=variant.name)
    results = list(reduce_all(variant.cases, params=reduce, seed=seed, store=own, workers=1))
    table = reduced_table(results, blocks=variant.blocks)
    training = table[~table["role"].isin(TESTED)]
    found = _selections(results) | {"training rows": fingerprint(training.to_csv(index=False))}
    cases = benchmark_cases(design_matrices(table, variant.patients, variant.splits), params=benchmark)
    fits = [fit_case(case, params=benchmark, seed=seed, feature_set="garbage") for case in cases]
    raw = raw_scores(cases, fits, patients=variant.patients, splits=variant.splits, feature_set="garbage")
    scores = raw[raw["evaluation"] == "cv"]
    found["cross-validated scores"] = fingerprint(scores.to_csv(index=False))
    found["thresholds"] = fingerprint(sorted(operating_points(raw, rule=threshold).items()))
    learned = [[fit.value, fit.inner_auc, fit.suffix, fit.content] for fit in fits]
    found["models"] = fingerprint(learned)
    store.save(variant.name, found)
    return found


def _selections(results: Sequence[Reduced]) -> dict[str, str]:
    """The hash of each table of the selection; notes mention test rows too, hence are no artefact of training."""
    names = [field.name for field in dataclasses.fields(Reduced) if field.name not in ("columns", "notes")]
    return {name.replace("_", " "): fingerprint([getattr(result, name) for result in results]) for name in names}


def garbage_check(hashes: Sequence[dict[str, str]]) -> Check:
    """The light; `hashes` from `artefacts`, the real study's first, empty if there is no test patient."""
    if not hashes:
        finding = "There are no internal or external patients."
        return Check(check="garbage_rows", light="grey", title=TITLE, rule=RULE, finding=finding)
    real, *others = hashes
    changed = sorted({name for other in others for name in real if other.get(name) != real[name]})
    return Check(
        check="garbage_rows",
        light="red" if changed else "green",
        title=TITLE,
        value=float(len(changed)),
        limit=0.0,
        rule=RULE,
        finding=f"These change when the test patients are replaced or removed: {', '.join(changed)}."
        if changed
        else "With noise in place of the test patients, and without them, training gives exactly the same results.",
    )


def spoilt_studies(
    tables: Tables, *, recipe: Recipe, store: CheckpointStore
) -> tuple[list[Variant], Callable[[Variant], dict[str, str]]]:
    """The study as it is, with noise for test patients and without them, and the function for each: `artefacts`."""
    found = variants(
        tables.blocks, patients=tables.patients, splits=tables.splits, repeats=tables.repeats, seed=recipe.seed
    )
    own = CheckpointStore(store.folder, key="garbage")
    return found, partial(artefacts, **vars(recipe), store=own)
