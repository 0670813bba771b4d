"""Whether a row is possible at all: the matrices behind it, the metrics that exclude any, the sizes that fit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pandas as pd

from pipeline.consistency.attainable_auc import auc_fits, cohorts_with_auc
from pipeline.consistency.matrices import (
    METRICS,
    Cohorts,
    Sizes,
    any_matrix,
    breaking_sets,
    fitting_cohorts,
    matrices_of,
)
from pipeline.consistency.printed_table import Row
from pipeline.consistency.rounding import Bounds, Printed, Rounding
from pipeline.contracts.reports.consistency import MATRICES

WITHIN = ("half_up", "half_even")  # what fits one of these fits with ties either way


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Test sets that fit a row under one kind of rounding, without the metrics in `left_out`."""

    rounding: Rounding
    left_out: tuple[str, ...]
    cohorts: Cohorts


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The result for a row: the fits at its own sizes, and at any sizes if its own do not fit."""

    row: Row
    sizes: Sizes
    fits: tuple[Fit, ...] = ()
    elsewhere: tuple[Fit, ...] = ()
    auc_impossible: bool = False
    metrics: tuple[str, ...] = field(default=())

    @property
    def complete(self) -> bool:
        """Whether a matrix fits all printed metrics at the sizes that the row names, or at any if it names none."""
        return bool(self.fits) and not self.fits[0].left_out

    @property
    def best(self) -> tuple[Fit, ...]:
        """The fits with the fewest metrics dropped; at the row's own sizes if that is no worse."""
        own, other = (len(fits[0].left_out) if fits else len(METRICS) + 1 for fits in (self.fits, self.elsewhere))
        return self.elsewhere if other < own else self.fits


def judge(row: Row, *, max_n: int, roundings: Sequence[Rounding]) -> Verdict:
    """Search the matrices of one row at its declared sizes, or at all up to `max_n` patients if it declares none."""
    sizes = declared_sizes(row, max_n=max_n)
    values = {name: row.values[name] for name in METRICS if name in row.values}
    auc = row.values.get("AUC")
    if not values and auc is None:
        return Verdict(row=row, sizes=sizes)
    fits = best_fits(values, sizes=sizes, roundings=roundings, auc=auc)
    elsewhere: tuple[Fit, ...] = ()
    declares = sizes != Sizes(max_n=max_n)
    if values and declares and not (fits and not fits[0].left_out):
        elsewhere = best_fits(values, sizes=Sizes(max_n=max_n), roundings=roundings, auc=auc)
    impossible = auc is not None and bool(fits) and not any(_auc_kept(fit, auc=auc).any() for fit in fits)
    if auc is not None and not impossible:
        fits = tuple(_with_auc(fit, auc=auc) for fit in fits)
    return Verdict(
        row=row, sizes=sizes, fits=fits, elsewhere=elsewhere, auc_impossible=impossible, metrics=tuple(values)
    )


def declared_sizes(row: Row, *, max_n: int) -> Sizes:
    """The sizes that a row declares, by itself or by its four counts; the total is dropped if both classes are."""
    counts = row.counts
    n_pos, n_neg, n = (counts.get(name) for name in ("n_pos", "n_neg", "n"))
    if n_pos is None and {"tp", "fn"} <= set(counts):
        n_pos = counts["tp"] + counts["fn"]
    if n_neg is None and {"tn", "fp"} <= set(counts):
        n_neg = counts["tn"] + counts["fp"]
    return Sizes(n_pos=n_pos, n_neg=n_neg, n=None if n_pos is not None and n_neg is not None else n, max_n=max_n)


def best_fits(
    values: Mapping[str, Printed], *, sizes: Sizes, roundings: Sequence[Rounding], auc: Printed | None = None
) -> tuple[Fit, ...]:
    """A fit of all metrics under the first rounding that has one, else all fits with the fewest metrics dropped.

    A rounding under which the AUC is attainable too comes first. Empty if nothing fits.
    """
    possible = {kind for kind in _widest(roundings) if any_matrix(_bounds(values, rounding=kind), sizes=sizes)}
    # What does not fit with ties either way cannot fit with ties one way.
    tried = [kind for kind in roundings if possible & {kind, "half_either" if kind in WITHIN else kind}]
    whole = [Fit(rounding=kind, left_out=(), cohorts=_cohorts(values, sizes=sizes, rounding=kind)) for kind in tried]
    whole = [fit for fit in whole if len(fit.cohorts)]
    if auc is not None:
        whole.sort(key=lambda fit: not _auc_kept(fit, auc=auc).any())
    if whole:
        return (whole[0],)
    found: dict[tuple[str, ...], Fit] = {}
    fewest = len(METRICS)
    for kind in _widest(roundings):
        sets = breaking_sets(_bounds(values, rounding=kind), sizes=sizes, at_most=fewest)
        if sets and len(sets[0]) < fewest:
            found, fewest = {}, len(sets[0])
        for left_out in (own for own in sets if own not in found):
            kept = {name: value for name, value in values.items() if name not in left_out}
            cohorts = _cohorts(kept, sizes=sizes, rounding=kind)
            found[left_out] = Fit(rounding=kind, left_out=left_out, cohorts=cohorts)
    return tuple(found.values())


def matrix_rows(verdict: Verdict, *, limit: int) -> list[dict[str, Any]]:
    """The first `limit` matrices of a row, smallest test set first, as rows of `matrices.csv`.

    A row of one metric and unknown sizes has none: it would fit almost any.
    """
    if not verdict.metrics or (len(verdict.metrics) == 1 and not verdict.sizes.pair):
        return []
    row = verdict.row
    shared = {"row": row.number, "model": row.model, "cohort": row.cohort}
    found: list[dict[str, Any]] = []
    for fit in verdict.best:
        bounds = _bounds({name: row.values[name] for name in verdict.metrics}, rounding=fit.rounding)
        kept = {name: own for name, own in bounds.items() if name not in fit.left_out}
        auc = row.values["AUC"].bounds(fit.rounding) if "AUC" in row.values else None
        how = {"rounding": fit.rounding, "left_out": ", ".join(fit.left_out) or None}
        for n_pos, n_neg in islice(fit.cohorts.pairs(), max(0, limit - len(found))):
            for matrix in matrices_of(kept, n_pos=n_pos, n_neg=n_neg, limit=limit - len(found)):
                reached = _reached(matrix, auc=auc)
                found.append(shared | matrix | how | {"auc": reached, "number": len(found) + 1})
    return found


def matrix_table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """`matrices.csv`."""
    return pd.DataFrame(rows, columns=MATRICES.names)


def _reached(matrix: Mapping[str, int], *, auc: Bounds | None) -> str | None:
    if auc is None:
        return None
    return auc_fits(auc, n_pos=matrix["n_pos"], n_neg=matrix["n_neg"], tp=matrix["tp"], tn=matrix["tn"])


def _bounds(values: Mapping[str, Printed], *, rounding: Rounding) -> dict[str, Bounds]:
    return {name: value.bounds(rounding) for name, value in values.items()}


def _cohorts(values: Mapping[str, Printed], *, sizes: Sizes, rounding: Rounding) -> Cohorts:
    return fitting_cohorts(_bounds(values, rounding=rounding), sizes=sizes)


def _auc_kept(fit: Fit, *, auc: Printed) -> Any:
    return cohorts_with_auc(fit.cohorts, bounds=auc.bounds(fit.rounding), ties=True)


def _with_auc(fit: Fit, *, auc: Printed) -> Fit:
    return Fit(rounding=fit.rounding, left_out=fit.left_out, cohorts=fit.cohorts.only(_auc_kept(fit, auc=auc)))


def _widest(roundings: Sequence[Rounding]) -> list[Rounding]:
    """The roundings that no other in the list contains: what fits half up or half to even fits with ties either way."""
    within = WITHIN if "half_either" in roundings else ()
    return [kind for kind in roundings if kind not in within]
