"""Confusion matrices behind a printed row: every (tp, fn, tn, fp) whose measures print as the numbers of the row.

Given the true positives and the class sizes, each printed measure allows the true negatives one range of
integers; a matrix exists if the ranges overlap. So the search is over true positives and class sizes only, and no
matrix is missed: it is complete for known sizes and for all sizes up to a limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.consistency.rounding import Bounds, ceil_div

Whole = NDArray[np.int64]
METRICS = ("ACC", "SEN", "SPE", "PPV", "NPV", "F1")
ALL = 2**40  # more than any count
CHUNK = 400_000  # numbers in memory at a time
NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The test sets that are tried: known sizes, or all up to `max_n` patients; each class has one patient or more."""

    n_pos: int | None = None
    n_neg: int | None = None
    n: int | None = None
    max_n: int = 420

    @property
    def pair(self) -> tuple[int, int] | None:
        """(n_pos, n_neg) if both are known."""
        if self.n_pos is not None and (self.n_neg is not None or self.n is not None):
            return self.n_pos, self.n_neg if self.n_neg is not None else (self.n or 0) - self.n_pos
        if self.n_neg is not None and self.n is not None:
            return self.n - self.n_neg, self.n_neg
        return None

    def classes(self) -> tuple[Whole, Whole, int]:
        """n_pos, shape (p,); n_neg, shape (1, c) shared by every n_pos, or (p, 1); the maximum total of both."""
        if self.pair is not None:
            n_pos, n_neg = self.pair
            some = min(n_pos, n_neg) >= 1
            return np.array([n_pos][:some]), np.array([[n_neg]][:some]).reshape(-1, 1), n_pos + n_neg
        if self.n is not None:
            by_event = np.arange(1, self.n)
            return by_event, self.n - by_event[:, None], self.n
        every = np.arange(1, self.max_n)
        n_pos_all = every if self.n_pos is None else np.array([self.n_pos])
        return n_pos_all, every[None, :] if self.n_neg is None else np.array([[self.n_neg]]), self.max_n


@dataclass(frozen=True, kw_only=True)
class Cohorts:
    """Class sizes for which matrices exist, smallest first, and how many matrices each has; shape (k,) each."""

    n_pos: Whole
    n_neg: Whole
    matrices: Whole

    def __len__(self) -> int:
        return int(self.n_pos.size)

    def pairs(self) -> list[tuple[int, int]]:
        """(n_pos, n_neg) of each."""
        return list(zip(self.n_pos.tolist(), self.n_neg.tolist(), strict=True))

    def only(self, kept: NDArray[np.bool_]) -> "Cohorts":
        """Those selected by `kept`, shape (k,)."""
        return Cohorts(n_pos=self.n_pos[kept], n_neg=self.n_neg[kept], matrices=self.matrices[kept])


def fitting_cohorts(bounds: Mapping[str, Bounds], *, sizes: Sizes) -> Cohorts:
    """All class sizes of `sizes` with a matrix whose measures all lie within `bounds` (by metric)."""
    found: list[tuple[Whole, Whole, Whole]] = []
    for cells in _cells(bounds, sizes=sizes):
        starts = np.flatnonzero(np.diff(cells.n_pos, prepend=-1))
        number = np.add.reduceat(np.maximum(cells.high - cells.low + 1, 0), starts, axis=0)
        rows, columns = np.nonzero(number)
        n_neg = np.broadcast_to(cells.n_neg, cells.low.shape)[starts]
        found.append((cells.n_pos[starts][rows], n_neg[rows, columns], number[rows, columns]))
    if not found:
        return Cohorts(n_pos=NOTHING, n_neg=NOTHING, matrices=NOTHING)
    n_pos_all, n_neg_all, number_all = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # The cells of one test set may lie in two chunks. Smallest first.
    keys = np.stack([n_pos_all + n_neg_all, n_pos_all, n_neg_all])
    (_, n_pos, n_neg), place = np.unique(keys, axis=1, return_inverse=True)
    matrices = np.bincount(place.ravel(), weights=number_all, minlength=n_pos.size).astype(np.int64)
    return Cohorts(n_pos=n_pos, n_neg=n_neg, matrices=matrices)


def matrices_of(bounds: Mapping[str, Bounds], *, n_pos: int, n_neg: int, limit: int) -> list[dict[str, int]]:
    """The matrices of one test set, the first `limit` of them by true positives: n_pos, n_neg, tp, fn, tn, fp."""
    found: list[dict[str, int]] = []
    for cells in _cells(bounds, sizes=Sizes(n_pos=n_pos, n_neg=n_neg)):
        for tp, first, last in zip(cells.tp.tolist(), cells.low[:, 0].tolist(), cells.high[:, 0].tolist(), strict=True):
            for tn in range(first, min(last, first + limit - len(found) - 1) + 1):
                counts = {"tp": tp, "fn": n_pos - tp, "tn": tn, "fp": n_neg - tn}
                found.append({"n_pos": n_pos, "n_neg": n_neg} | counts)
    return found


def breaking_sets(bounds: Mapping[str, Bounds], *, sizes: Sizes, at_most: int = len(METRICS)) -> list[tuple[str, ...]]:
    """The smallest sets of metrics without which a matrix exists, all of that size, in the order of METRICS.

    Empty if even single metrics have none, or more than `at_most` would have to be dropped; [()] if none has to be.
    """
    names = [name for name in METRICS if name in bounds]
    for size in range(min(len(names), at_most + 1)):
        found = []
        for removed in combinations(names, size):
            kept = {name: bounds[name] for name in names if name not in removed}
            if any_matrix(kept, sizes=sizes):
                found.append(removed)
        if found:
            return found
    return []


def any_matrix(bounds: Mapping[str, Bounds], *, sizes: Sizes) -> bool:
    """Whether any test set of `sizes` has a matrix within `bounds`."""
    return any(bool((cells.low <= cells.high).any()) for cells in _cells(bounds, sizes=sizes))


def measures(*, tp: int, fn: int, tn: int, fp: int) -> dict[str, float]:
    """The six metrics of a matrix; NaN if a denominator is 0."""

    def ratio(part: int, whole: int) -> float:
        return part / whole if whole else float("nan")

    return {
        "ACC": ratio(tp + tn, tp + fn + tn + fp),
        "SEN": ratio(tp, tp + fn),
        "SPE": ratio(tn, tn + fp),
        "PPV": ratio(tp, tp + fp),
        "NPV": ratio(tn, tn + fn),
        "F1": ratio(2 * tp, 2 * tp + fp + fn),
    }


@dataclass(frozen=True, kw_only=True)
class _Cells:
    """Minimum and maximum true negatives, shape (p, c), for n_pos and tp, shape (p,), and n_neg, shape (1 or p, c)."""

    n_pos: Whole
    tp: Whole
    n_neg: Whole
    low: Whole
    high: Whole


def _cells(bounds: Mapping[str, Bounds], *, sizes: Sizes) -> Iterator[_Cells]:
    """All cells that may contain a matrix, in chunks; within a chunk n_pos increases."""
    n_pos_all, n_neg_all, most = sizes.classes()
    shared = n_neg_all.shape[0] == 1
    if shared and "SPE" in bounds and n_neg_all.size > 1:
        low, high = bounds["SPE"].numerators(n_neg_all)
        n_neg_all = n_neg_all[:, (low <= high)[0]]
    for n_pos, tp, place in _candidates(bounds, n_pos_all):
        ranges = _of_true_positives(bounds, n_pos=n_pos, tp=tp)
        kept = np.flatnonzero((ranges.fp_low <= ranges.fp_high) & (ranges.tn_low <= ranges.tn_high))
        step = max(1, CHUNK // max(1, n_neg_all.shape[1]))
        for part in (kept[first : first + step] for first in range(0, kept.size, step)):
            n_neg = n_neg_all if shared else n_neg_all[place[part]]
            low, high = _true_negatives(bounds, n_pos=n_pos[part], tp=tp[part], n_neg=n_neg, ranges=ranges.only(part))
            high = np.where(n_pos[part][:, None] + n_neg <= most, high, -1)
            yield _Cells(n_pos=n_pos[part], tp=tp[part], n_neg=n_neg, low=low, high=high)


def _candidates(bounds: Mapping[str, Bounds], n_pos: Whole) -> Iterator[tuple[Whole, Whole, Whole]]:
    """n_pos, true positives that fit SEN, and the index into the given n_pos; shape (p,) each, in blocks."""
    first, last = np.zeros_like(n_pos), n_pos
    if "SEN" in bounds:
        lowest, highest = bounds["SEN"].numerators(n_pos)
        first, last = np.maximum(first, lowest), np.minimum(last, highest)
    number = np.maximum(last - first + 1, 0)
    block = np.cumsum(number) // CHUNK
    for index in range(int(block[-1]) + 1 if block.size else 0):
        own = np.flatnonzero(block == index)
        place = np.repeat(own, number[own])
        starts = np.cumsum(number[own]) - number[own]
        yield n_pos[place], np.arange(place.size) - np.repeat(starts - first[own], number[own]), place


@dataclass(frozen=True, kw_only=True)
class _Ranges:
    """False positives and true negatives that fit PPV, F1 and NPV, whatever n_neg; shape (p,) each."""

    fp_low: Whole
    fp_high: Whole
    tn_low: Whole
    tn_high: Whole

    def only(self, part: Whole) -> "_Ranges":
        return _Ranges(
            fp_low=self.fp_low[part], fp_high=self.fp_high[part], tn_low=self.tn_low[part], tn_high=self.tn_high[part]
        )


def _of_true_positives(bounds: Mapping[str, Bounds], *, n_pos: Whole, tp: Whole) -> _Ranges:
    fn = n_pos - tp
    none, all_of_them = np.zeros_like(tp), np.full_like(tp, ALL)
    fp_low, fp_high, tn_low, tn_high = none, all_of_them, none, all_of_them
    for name, limits in bounds.items():
        if name in ("PPV", "F1"):
            low, high = _ppv(limits, tp=tp) if name == "PPV" else _f1(limits, tp=tp, fn=fn)
            fp_low, fp_high = np.maximum(fp_low, low), np.minimum(fp_high, high)
        elif name == "NPV":
            tn_low, tn_high = _npv(limits, fn=fn)
    return _Ranges(fp_low=fp_low, fp_high=fp_high, tn_low=np.maximum(tn_low, 0), tn_high=tn_high)


def _true_negatives(
    bounds: Mapping[str, Bounds], *, n_pos: Whole, tp: Whole, n_neg: Whole, ranges: _Ranges
) -> tuple[Whole, Whole]:
    low = np.maximum(ranges.tn_low[:, None], n_neg - ranges.fp_high[:, None])
    high = np.minimum(np.minimum(ranges.tn_high[:, None], n_neg - ranges.fp_low[:, None]), n_neg)
    if "SPE" in bounds:
        lowest, highest = bounds["SPE"].numerators(n_neg)
        low, high = np.maximum(low, lowest), np.minimum(high, highest)
    if "ACC" in bounds:
        lowest, highest = bounds["ACC"].numerators(n_pos[:, None] + n_neg)
        low, high = np.maximum(low, lowest - tp[:, None]), np.minimum(high, highest - tp[:, None])
    return low, high


def _ppv(limits: Bounds, *, tp: Whole) -> tuple[Any, Any]:
    """False positives that fit tp / (tp + fp). Undefined if no patient is called positive: common software prints 0."""
    fewest = ceil_div(tp * limits.scale + limits.open_upper, limits.upper) - tp
    most: Any = ALL
    if limits.lower > 0:
        most = (tp * (limits.scale - limits.lower) - limits.open_lower) // limits.lower
    any_fp = limits.units == 0
    fewest = np.where(tp == 0, 0 if any_fp else ALL, fewest)
    return fewest, np.where(tp == 0, ALL if any_fp else -1, most)


def _f1(limits: Bounds, *, tp: Whole, fn: Whole) -> tuple[Any, Any]:
    """False positives that fit 2 tp / (2 tp + fp + fn)."""
    fewest = ceil_div(2 * tp * limits.scale + limits.open_upper, limits.upper) - 2 * tp - fn
    most: Any = ALL
    if limits.lower > 0:
        most = (2 * tp * (limits.scale - limits.lower) - limits.lower * fn - limits.open_lower) // limits.lower
    return fewest, most


def _npv(limits: Bounds, *, fn: Whole) -> tuple[Any, Any]:
    """True negatives that fit tn / (tn + fn). Undefined if no patient is called negative: common software prints 0."""
    slack, above = limits.scale - limits.lower, limits.scale - limits.upper
    # Without slack the number is 1 and was truncated: no false negative is allowed.
    low = ceil_div(limits.lower * fn + limits.open_lower, slack) if slack > 0 else np.where(fn == 0, 0, ALL)
    if above > 0:
        high = (limits.upper * fn - limits.open_upper) // above
    elif above == 0:
        high = np.where(limits.upper * fn >= limits.open_upper, ALL, -1)
    else:
        high = np.full_like(fn, ALL)
    # Without false negatives NPV is 1, and undefined if there is no true negative either.
    low = np.where(fn == 0, np.maximum(low, 0 if limits.units == 0 else 1), low)
    return low, np.where((fn == 0) & (limits.units == 0), 0, high)
