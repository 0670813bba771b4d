"""Confusion matrices behind a printed row: every (tp, fn, tn, fp) whose measures print as the numbers of the row.

Given the true positives and the class sizes, each printed measure allows the true negatives one range of whole
numbers; a matrix exists where the ranges meet. So the search is over true positives and class sizes only, and no
matrix is missed: it is complete for known sizes and for all sizes up to a limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.consistency_checks.rounding import Bounds, ceil_div

Whole = NDArray[np.int64]
METRICS = ("ACC", "SEN", "SPE", "PPV", "NPV", "F1")
ALL = 2**62  # no limit


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Which test sets are tried: sizes that are known, or all up to `max_n` patients; each class has one or more."""

    n_pos: int | None = None
    n_neg: int | None = None
    n: int | None = None
    max_n: int = 420

    @property
    def known(self) -> bool:
        """Whether both classes are known."""
        return sum(size is not None for size in (self.n_pos, self.n_neg, self.n)) >= 2

    def classes(self) -> Iterator[tuple[int, Whole]]:
        """Each number of patients with the event, with the numbers without that go with it."""
        if self.known:
            n_pos = self.n_pos if self.n_pos is not None else (self.n or 0) - (self.n_neg or 0)
            n_neg = self.n_neg if self.n_neg is not None else (self.n or 0) - n_pos
            if n_pos >= 1 and n_neg >= 1:
                yield n_pos, np.array([n_neg])
        elif self.n is not None:
            yield from ((n_pos, np.array([self.n - n_pos])) for n_pos in range(1, self.n))
        elif self.n_neg is not None:
            yield from ((n_pos, np.array([self.n_neg])) for n_pos in range(1, self.max_n - self.n_neg + 1))
        else:
            every = range(1, self.max_n) if self.n_pos is None else [self.n_pos]
            yield from ((n_pos, np.arange(1, self.max_n - n_pos + 1)) for n_pos in every if n_pos < self.max_n)


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
        """Those that `kept`, shape (k,), marks."""
        return Cohorts(n_pos=self.n_pos[kept], n_neg=self.n_neg[kept], matrices=self.matrices[kept])


def fitting_cohorts(bounds: Mapping[str, Bounds], *, sizes: Sizes) -> Cohorts:
    """All class sizes of `sizes` with a matrix whose measures all lie within `bounds` (by metric)."""
    found: list[tuple[Whole, Whole, Whole]] = []
    for n_pos, n_neg in sizes.classes():
        _, low, high = _true_negatives(bounds, n_pos=n_pos, n_neg=n_neg)
        number = np.maximum(high - low + 1, 0).sum(axis=0)
        kept = number > 0
        found.append((np.full(int(kept.sum()), n_pos), n_neg[kept], number[kept]))
    if not found:
        nothing = np.zeros(0, dtype=np.int64)
        return Cohorts(n_pos=nothing, n_neg=nothing, matrices=nothing)
    n_pos_all, n_neg_all, number_all = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((n_pos_all, n_pos_all + n_neg_all))
    return Cohorts(n_pos=n_pos_all[order], n_neg=n_neg_all[order], matrices=number_all[order])


def matrices_of(bounds: Mapping[str, Bounds], *, n_pos: int, n_neg: int, limit: int) -> list[dict[str, int]]:
    """The matrices of one test set, the first `limit` of them by true positives: n_pos, n_neg, tp, fn, tn, fp."""
    found: list[dict[str, int]] = []
    tp, low, high = _true_negatives(bounds, n_pos=n_pos, n_neg=np.array([n_neg]))
    for hits, first, last in zip(tp.tolist(), low[:, 0].tolist(), high[:, 0].tolist(), strict=True):
        for tn in range(first, min(last, first + limit - len(found) - 1) + 1):
            counts = {"tp": hits, "fn": n_pos - hits, "tn": tn, "fp": n_neg - tn}
            found.append({"n_pos": n_pos, "n_neg": n_neg} | counts)
    return found


def breaking_sets(bounds: Mapping[str, Bounds], *, sizes: Sizes, at_most: int = len(METRICS)) -> list[tuple[str, ...]]:
    """The smallest sets of metrics without which a matrix exists, all of that size, in the order of METRICS.

    Empty where even single metrics have none, or more than `at_most` would have to go; [()] where none has to.
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
    for n_pos, n_neg in sizes.classes():
        _, low, high = _true_negatives(bounds, n_pos=n_pos, n_neg=n_neg)
        if bool((low <= high).any()):
            return True
    return False


def measures(*, tp: int, fn: int, tn: int, fp: int) -> dict[str, float]:
    """The six metrics of a matrix; NaN where a denominator is 0."""

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


def _true_negatives(bounds: Mapping[str, Bounds], *, n_pos: int, n_neg: Whole) -> tuple[Whole, Whole, Whole]:
    """True positives, shape (t,), and the least and greatest true negatives of each and of each n_neg, shape (t, c)."""
    tp = np.arange(n_pos + 1)
    if "SEN" in bounds:
        first, last = bounds["SEN"].numerators(n_pos)
        tp = tp[max(first, 0) : max(last + 1, 0)]
    hits, others = tp[:, None], n_neg[None, :]
    low = np.zeros((tp.size, n_neg.size), dtype=np.int64)
    high = np.broadcast_to(others, low.shape)
    for name, limits in bounds.items():
        if name != "SEN":
            own_low, own_high = RANGES[name](limits, tp=hits, fn=n_pos - hits, n_neg=others)
            low, high = np.maximum(low, own_low), np.minimum(high, own_high)
    return tp, low, high


def _accuracy(limits: Bounds, *, tp: Whole, fn: Whole, n_neg: Whole) -> tuple[Any, Any]:
    low, high = limits.numerators(tp[:1] + fn[:1] + n_neg)  # tp + fn is n_pos in every row
    return low - tp, high - tp


def _specificity(limits: Bounds, *, tp: Whole, fn: Whole, n_neg: Whole) -> tuple[Any, Any]:  # noqa: ARG001
    return limits.numerators(n_neg)


def _ppv(limits: Bounds, *, tp: Whole, fn: Whole, n_neg: Whole) -> tuple[Any, Any]:  # noqa: ARG001
    """Of tp / (tp + fp). Where nobody is called positive it is undefined, and printed as 0 by common software."""
    fewest = ceil_div(tp * limits.scale + limits.open_upper, limits.upper) - tp
    most: Any = ALL
    if limits.lower > 0:
        most = (tp * (limits.scale - limits.lower) - limits.open_lower) // limits.lower
    any_fp = limits.units == 0
    fewest = np.where(tp == 0, 0 if any_fp else ALL, fewest)
    most = np.where(tp == 0, ALL if any_fp else -1, most)
    return n_neg - most, n_neg - fewest


def _npv(limits: Bounds, *, tp: Whole, fn: Whole, n_neg: Whole) -> tuple[Any, Any]:  # noqa: ARG001
    """Of tn / (tn + fn). Where nobody is called negative it is undefined, and printed as 0 by common software."""
    slack, above = limits.scale - limits.lower, limits.scale - limits.upper
    # Without slack the number is 1 and was cut: no false negative is allowed.
    low = ceil_div(limits.lower * fn + limits.open_lower, slack) if slack > 0 else np.where(fn == 0, 0, ALL)
    if above > 0:
        high = (limits.upper * fn - limits.open_upper) // above
    elif above == 0:
        high = np.where(limits.upper * fn >= limits.open_upper, ALL, -1)
    else:
        high = np.full_like(fn, ALL)
    # Without false negatives NPV is 1, and undefined where there is no true negative either.
    low = np.where(fn == 0, np.maximum(low, 0 if limits.units == 0 else 1), low)
    return low, np.where((fn == 0) & (limits.units == 0), 0, high)


def _f1(limits: Bounds, *, tp: Whole, fn: Whole, n_neg: Whole) -> tuple[Any, Any]:
    """Of 2 tp / (2 tp + fp + fn)."""
    fewest = ceil_div(2 * tp * limits.scale + limits.open_upper, limits.upper) - 2 * tp - fn
    most: Any = ALL
    if limits.lower > 0:
        most = (2 * tp * (limits.scale - limits.lower) - limits.lower * fn - limits.open_lower) // limits.lower
    return n_neg - most, n_neg - fewest


RANGES = {"ACC": _accuracy, "SPE": _specificity, "PPV": _ppv, "NPV": _npv, "F1": _f1}
