"""Garbage in the test rows: nothing that is learned in training may change by a byte.

The features of the internal and external patients are replaced by noise, then left out altogether, and the final fit
of a set without networks is made again by the real functions.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from pipeline.benchmark import BenchmarkParams, fit_case
from pipeline.benchmark import Case as Fitting
from pipeline.checkpoints import CheckpointStore, fingerprint
from pipeline.design_matrices import design_matrices
from pipeline.reduce import Case, Reduced, reduce_case, reduced_table
from pipeline.reducers import ReduceParams
from pipeline.selftests.checks import Check

Variant = Callable[[pd.DataFrame], pd.DataFrame]
RULE = (
    "Red if the selected features, their path, the reduced training rows or the fitted model change by one byte when "
    "the test patients' features are replaced by noise, or left out."
)


def noise(seed: int) -> Variant:
    """Every number of the test rows becomes a huge or a tiny random one; text becomes a word never seen."""

    def spoil(test: pd.DataFrame) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        spoilt: dict[str, Any] = {}
        for name in test:
            values = test[name]
            if pd.api.types.is_numeric_dtype(values):
                spoilt[name] = random.normal(size=len(values)) * 10.0 ** random.integers(-6, 7, size=len(values))
            else:
                spoilt[name] = ["garbage"] * len(values)
        return pd.DataFrame(spoilt, index=test.index)

    return spoil


def spoilt_case(case: Case, *, spoil: Variant) -> Case:
    """The case with other test rows."""
    blocks = tuple(dataclasses.replace(block, test=spoil(block.test)) for block in case.blocks)
    return dataclasses.replace(case, blocks=blocks)


def without_test_rows(case: Case) -> Case:
    """The case as if there were no test patients."""
    kept = case.roles.index[case.roles == "train"]
    blocks = tuple(dataclasses.replace(block, test=block.test.iloc[:0]) for block in case.blocks)
    return dataclasses.replace(case, blocks=blocks, roles=case.roles.loc[kept], sites=case.sites.loc[kept])


def artefacts(
    case: Case,
    *,
    patients: pd.DataFrame,
    splits: pd.DataFrame,
    reduce: ReduceParams,
    benchmark: BenchmarkParams,
    seed: int,
    store: CheckpointStore,
) -> dict[str, str]:
    """The hash of everything that training makes of a case: selection, path, training rows, the models' files."""
    result = reduce_case(case, params=reduce, seed=seed, store=store)
    found = {name: fingerprint(getattr(result, name)) for name in ("selected", "lasso", "half_samples")}
    found["training rows"] = fingerprint(_training_rows(result, case))
    table = reduced_table([result], blocks=[block.name for block in case.blocks])
    known = splits[(splits["resample"] == case.resample) & splits["patient_id"].isin(case.roles.index)]
    (design,) = design_matrices(table, patients, known)
    for model in benchmark.classifiers:
        fit = fit_case(Fitting(design=design, model=model), params=benchmark, seed=seed, feature_set="garbage")
        found[f"model {model}"] = fingerprint({k: v for k, v in asdict(fit).items() if k != "scores"})
    return found


def _training_rows(result: Reduced, case: Case) -> dict[str, list[Any]]:
    n_train = int((case.roles == "train").sum())
    return {name: values[:n_train] for name, values in result.columns.items()}


def garbage_check(real: dict[str, str], *, spoilt: dict[str, dict[str, str]]) -> Check:
    """The light: `spoilt` has the hashes of each variant by its name."""
    changed = sorted({name for hashes in spoilt.values() for name in real if hashes.get(name) != real[name]})
    return Check(
        check="garbage_rows",
        light="red" if changed else "green",
        title="Test patients teach the models nothing",
        value=float(len(changed)),
        limit=0.0,
        rule=RULE,
        finding=f"With other test rows these came out otherwise: {', '.join(changed)}."
        if changed
        else "With noise in place of the test patients, and without them, training gives the same bytes.",
    )
