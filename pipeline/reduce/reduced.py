"""Reduce the blocks of a feature set, each resample and part fitted on its training rows alone.

Part p is fitted on the training rows that the network of part p was not trained on: all of them for part `all`, the
other half for `a` and `b`. Different rows select different features, so a column of the reduced table is filled in
the rows of each (resample, part) that selected it, and empty in all other rows; a column in use has no missing value.
Column names are `<block>.<feature>`. Radiomics, tables and deep blocks are z-scores of the training rows, hence the
coefficients apply to the columns as they are; clinical columns keep their units.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.data.split import ALL, FINAL
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.lazy import LazySequence
from pipeline.foundation.parallel import map_cases
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.blocks import Block, Kind
from pipeline.reduce.reducer_files import to_bytes
from pipeline.reduce.repeats import Repeats

PACKAGES = ("numpy", "scipy", "pandas", "numba")
INTERCEPT, NOTHING = "(intercept)", "(none)"


@dataclass(frozen=True, kw_only=True)
class RawBlock:
    """The rows of a block that a case needs: `train` (n, p) and `test` (m, p), index patient_id.

    `repeats`: the repeated masks of the training rows' patients, and of no other patient; None = no agreement filter.
    """

    name: str
    kind: Kind
    indicators: tuple[str, ...]
    train: pd.DataFrame
    test: pd.DataFrame
    repeats: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One resample and part: raw blocks, labels and groups of the training rows, roles and sites by patient_id."""

    resample: str
    part: str
    blocks: tuple[RawBlock, ...]
    y: NDArray[np.int64]
    groups: NDArray[np.str_]
    roles: pd.Series
    sites: pd.Series


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """The result of a case, ready for JSON: `columns` (by name, one value per patient: training, then test rows), rows
    of the selected, LASSO and half-samples tables, notes, and for resample `final` the file of the reducer of each
    block (`reducer_files`, base64).
    """

    columns: dict[str, list[Any]]
    selected: list[dict[str, Any]]
    lasso: list[dict[str, Any]]
    half_samples: list[dict[str, Any]]
    lasso_paths: list[dict[str, Any]]
    notes: list[str]
    reducers: dict[str, str]

    @property
    def reducer_files(self) -> dict[str, bytes]:
        """The files of the fitted reducers by name, `<block>_<part>`; none for another resample than `final`."""
        part = self.columns["part"][0] if self.reducers else ""
        return {f"{block}_{part}": base64.b64decode(content) for block, content in self.reducers.items()}


Cases = LazySequence[tuple[str, str], Case]


def reduce_cases(
    blocks: Sequence[Block],
    *,
    patients: pd.DataFrame,
    splits: pd.DataFrame,
    parts: Sequence[str],
    repeats: Repeats | None = None,
) -> Cases:
    """One case per resample and part (its key), sorted, made when it is asked for; rows sorted by patient id. `repeats`
    are the features of repeated masks (None = no agreement filter).

    Raises PipelineError if a patient of the splits is not in the patients table, or a part has no training row.
    """
    _check_known(splits, patients=patients)
    rows = {str(name): split for name, split in splits.sort_values("patient_id").groupby("resample", sort=True)}
    keys = [(resample, part) for resample in rows for part in parts]
    for resample, part in keys:
        if not _fitted(rows[resample], part).any():
            raise PipelineError(f"data/splits.csv: resample {resample} has no training row for part {part}")
    about = patients.set_index("patient_id")[["label", "group_id", "site"]]
    return LazySequence(partial(_case, blocks=tuple(blocks), about=about, splits=rows, repeats=repeats), keys)


def _fitted(split: pd.DataFrame, part: str) -> pd.Series:
    """Which rows of the split of a resample a part is fitted on."""
    return (split["role"] == "train") & ((part == ALL) | (split["half"].notna() & (split["half"] != part)))


def _case(
    key: tuple[str, str],
    *,
    blocks: tuple[Block, ...],
    about: pd.DataFrame,
    splits: Mapping[str, pd.DataFrame],
    repeats: Repeats | None,
) -> Case:
    resample, part = key
    split = splits[resample]
    train = split.loc[_fitted(split, part), "patient_id"].to_list()
    test = split.loc[split["role"] != "train", "patient_id"].to_list()
    return Case(
        resample=resample,
        part=part,
        blocks=tuple(_raw(block, resample, part, train=train, test=test, repeats=repeats) for block in blocks),
        y=about.loc[train, "label"].to_numpy().astype(np.int64),
        groups=about.loc[train, "group_id"].to_numpy().astype(np.str_),
        roles=split.set_index("patient_id")["role"].loc[[*train, *test]],
        sites=about.loc[[*train, *test], "site"],
    )


def _check_known(splits: pd.DataFrame, *, patients: pd.DataFrame) -> None:
    if unknown := sorted(set(splits["patient_id"]) - set(patients["patient_id"])):
        raise PipelineError(
            f"data/splits.csv names {len(unknown)} patients that data/patients.csv lacks, first {unknown[0]}; "
            "run split again"
        )


def _raw(
    block: Block, resample: str, part: str, *, train: list[str], test: list[str], repeats: Repeats | None
) -> RawBlock:
    frame = block.frame(resample, part)
    return RawBlock(
        name=block.name,
        kind=block.kind,
        indicators=block.indicators,
        train=frame.loc[train],
        test=frame.loc[test],
        repeats=repeats.of(block.repeated, rows=(resample, part), patients=train) if repeats else None,
    )


def reduce_case(case: Case, *, params: ReduceParams, seed: int, store: CheckpointStore) -> Reduced:
    """The reduction of a case, from `store` if it was finished before. Raises PipelineError that names the case."""
    name = _name((case.resample, case.part))
    if (kept := store.load(name)) is not None:
        return Reduced(**kept)
    result = _reduce(case, params=params, seed=seed)
    store.save(name, vars(result))  # not asdict, which copies every number
    return result


def _name(key: tuple[str, str]) -> str:
    """The name of a case in a store."""
    return "/".join(key)


def reduce_all(
    cases: Cases,
    *,
    params: ReduceParams,
    seed: int,
    store: CheckpointStore,
    workers: int | None,
    scheduler: str | None = None,
) -> Iterator[Reduced]:
    """Yield the reduction of each case in their order; a case that `store` keeps from a stopped run is not even made.

    Raises PipelineError as `reduce_case` and `map_cases`.
    """
    kept = {key: store.load(_name(key)) for key in cases.keys}
    waiting = cases.only({key for key, result in kept.items() if result is None})
    reduce = partial(reduce_case, params=params, seed=seed, store=store)
    fresh = map_cases(reduce, waiting, workers=workers, scheduler=scheduler)
    for key in cases.keys:
        known = kept.pop(key)
        yield next(fresh) if known is None else Reduced(**known)


def _reduce(case: Case, *, params: ReduceParams, seed: int) -> Reduced:
    """Fit every block on the training rows, apply it to all."""
    frames, selected, lasso, half_samples, paths, notes = [], [], [], [], [], []
    reducers: dict[str, str] = {}
    for block in case.blocks:
        where = f"resample {case.resample}, part {case.part}, block {block.name}"
        reducer = BlockReducer(kind=block.kind, params=params, indicators=block.indicators, seed=seed, sites=case.sites)
        try:
            reducer.fit(block.train, case.y, case.groups, block.repeats)
            # Separately, so that neither the values nor the presence of test rows can change a digit of a training row.
            both = [reducer.transform(block.train), reducer.transform(block.test)]
        except PipelineError as error:
            raise PipelineError(f"{where}: {error}") from error
        frames.append(pd.concat(both).add_prefix(f"{block.name}."))
        keys = {"resample": case.resample, "part": case.part, "block": block.name}
        if case.resample == FINAL:
            half_samples += [keys | row for row in reducer.half_samples(block.train, case.y, case.groups)]
            paths += [keys | row for row in _path_rows(reducer)]
            reducers[block.name] = base64.b64encode(to_bytes(reducer)).decode()
        selected += [keys | row for row in _selected_rows(reducer)]
        lasso += [keys | row for row in _lasso_rows(reducer)]
        notes += [f"{where}: {note}" for note in reducer.unseen(pd.concat([block.train, block.test]))]
        if reducer.lasso_ is not None and reducer.lasso_.chosen_.coefficients.empty:
            notes.append(f"{where}: the LASSO keeps no feature")
    columns = {"resample": [case.resample] * len(case.roles), "part": [case.part] * len(case.roles)}
    columns |= {"patient_id": list(case.roles.index), "role": list(case.roles)}
    columns |= {str(name): frame[name].tolist() for frame in frames for name in frame}
    return Reduced(
        columns=columns,
        selected=selected,
        lasso=lasso,
        half_samples=half_samples,
        lasso_paths=paths,
        notes=notes,
        reducers=reducers,
    )


def _selected_rows(reducer: BlockReducer) -> list[dict[str, Any]]:
    """For each rule: coefficients on the z-scores, the intercept, and `(none)` with 0 if no feature was kept."""
    rows = []
    for rule, solution in reducer.lasso_.solutions_.items() if reducer.lasso_ is not None else ():
        values = {INTERCEPT: solution.intercept} | (solution.coefficients.to_dict() or {NOTHING: 0.0})
        rows += [{"rule": rule, "feature": name, "coefficient": value} for name, value in values.items()]
    return rows


def _path_rows(reducer: BlockReducer) -> list[dict[str, Any]]:
    """Every non-zero coefficient of the path."""
    return [] if reducer.lasso_ is None else reducer.lasso_.path_.to_dict("records")


def _lasso_rows(reducer: BlockReducer) -> list[dict[str, Any]]:
    fitted = reducer.lasso_
    if fitted is None:
        return []
    columns = (fitted.lambdas_, fitted.cv_mean_, fitted.cv_se_, fitted.n_nonzero_)
    return [
        {
            "lambda_index": place + 1,
            "lambda": float(value),
            "cv_mean": float(mean),
            "cv_se": float(se),
            "n_nonzero": int(count),
        }
        for place, (value, mean, se, count) in enumerate(zip(*columns, strict=True))
    ]
