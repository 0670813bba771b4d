"""Permutation importance of a block: how far the AUC falls if its columns are exchanged between patients, together.

Breiman, Mach Learn 2001;45:5, for a block at once, since the features of a block can stand in for each other; so can
blocks, and a block whose information another also carries falls little.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.contracts.reports.explain import PERMUTATION
from pipeline.explain.contributions import Explained, PartModel
from pipeline.explain.group_sums import group_counts
from pipeline.plan.feature_names import block_of
from pipeline.statistics.bootstrap import percentile_interval

Floats = NDArray[np.float64]
CELLS = 4_000_000  # numbers held in memory at once


def permutation_table(sets: Sequence[Explained], *, permutations: int, replicates: int, seed: int) -> pd.DataFrame:
    """`permutation.csv`: the mean fall of the AUC over `permutations` exchanges of each block of each set.

    The score is the mean of the parts before recalibration, which keeps the order of the patients; both parts take the
    same exchange. Percentile intervals over `replicates` bootstrap samples of whole groups of patients, each with the
    scores that the patients have; samples without both classes are excluded. No AUC if a class is missing.
    """
    rows: list[tuple[str | float | None, ...]] = []
    for one in sets:
        if one.columns():
            rows += _set_rows(one, permutations=permutations, replicates=replicates, seed=seed)
    return pd.DataFrame(rows, columns=PERMUTATION.names)


def exchanges(groups: NDArray[np.str_], *, permutations: int, seed: int) -> NDArray[np.int64]:
    """Whose row each of the n patients receives in each exchange, shape (permutations, n).

    Whole groups change places, member by member in their order, and only with groups of the same size: patients that
    belong together stay so. A group whose size no other has keeps its rows.
    """
    members: dict[str, list[int]] = {}
    for place, name in enumerate(groups):
        members.setdefault(str(name), []).append(place)
    by_size: dict[int, list[list[int]]] = {}
    for name in sorted(members):
        by_size.setdefault(len(members[name]), []).append(members[name])
    generator = np.random.default_rng(seed)
    found = np.tile(np.arange(len(groups)), (permutations, 1))
    for row in found:
        for size in sorted(by_size):
            own = np.array(by_size[size])
            row[own] = own[generator.permutation(len(own))]
    return found


def _set_rows(one: Explained, *, permutations: int, replicates: int, seed: int) -> list[tuple[str | float | None, ...]]:
    positive = one.label == 1
    sources = exchanges(one.groups, permutations=permutations, seed=seed)
    counts = group_counts(one.groups, replicates=replicates, seed=seed)
    plain = np.mean([part.score(part.X) for part in one.parts], axis=0)
    before = _wins(plain[np.newaxis], positive=positive)
    rows: list[tuple[str | float | None, ...]] = []
    for block in dict.fromkeys([*one.blocks, *(block_of(column) for column in one.columns())]):
        own = sum(block_of(column) == block for column in one.columns())
        about = (one.feature_set, block, one.evaluation, own, len(one.patients), permutations)
        if positive.all() or not positive.any():
            rows.append((*about, None, None, None, None))
            continue
        after = _wins(_permuted(one.parts, block=block, sources=sources), positive=positive)
        fall = before - after
        low, high = percentile_interval(_weighted(fall, counts, positive=positive))
        rows.append((*about, float(before.mean()), round(float(fall.mean()), 12) + 0.0, low, high))
    return rows


def _permuted(parts: Sequence[PartModel], *, block: str, sources: NDArray[np.int64]) -> Floats:
    """The mean scores of the parts, shape (permutations, n), after each exchange of the columns of a block."""
    return np.asarray(np.mean([_part_scores(part, block=block, sources=sources) for part in parts], axis=0))


def _part_scores(part: PartModel, *, block: str, sources: NDArray[np.int64]) -> Floats:
    columns = np.array([block_of(feature) == block for feature in part.features], dtype=np.bool_)
    if not columns.any():
        return np.tile(part.score(part.X), (len(sources), 1))
    found, step = [], max(1, CELLS // max(1, part.X.size))
    for start in range(0, len(sources), step):
        some = sources[start : start + step]
        rows = np.tile(part.X, (len(some), 1, 1))
        rows[:, :, columns] = part.X[:, columns][some]
        found.append(part.score(rows.reshape(-1, part.X.shape[1])).reshape(some.shape))
    return np.concatenate(found)


def _wins(scores: Floats, *, positive: NDArray[np.bool_]) -> Floats:
    """For each event and non-event, shape (m, n - m): how often the event scores higher, ties counting one half.

    `scores` (permutations, n); their mean over pairs is the mean AUC.
    """
    total = np.zeros((int(positive.sum()), int((~positive).sum())))
    for row in scores:
        event, other = row[positive][:, np.newaxis], row[~positive]
        total += (event > other) + 0.5 * (event == other)
    return total / len(scores)


def _weighted(fall: Floats, counts: Floats, *, positive: NDArray[np.bool_]) -> Floats:
    """The mean of `fall` over the pairs of each bootstrap sample, shape (replicates,); NaN without a pair."""
    events, others = counts[:, positive], counts[:, ~positive]
    pairs = events.sum(axis=1) * others.sum(axis=1)
    total = ((events @ fall) * others).sum(axis=1)
    return np.round(np.divide(total, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0), 12)
