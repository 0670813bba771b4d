"""Training batches, and the images held out for early stopping."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.training.params import EarlyStoppingParams

Rows = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Images with labels 0/1 (n,), patient and group ids (n,).

    `pixels` uint8 (n, P, S, S), or (n, V, P, S, S) if a sample is V views of a patient; `present` (n, V) marks the
    views that exist (None: all).
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.float32]
    patients: tuple[str, ...]
    groups: tuple[str, ...]
    present: NDArray[np.bool_] | None = None


def batches(rows: Rows, *, batch_size: int, min_size: int = 2) -> list[Rows]:
    """Cut rows into batches; a last one below `min_size` joins the one before, since batch norm cannot train on one."""
    cut = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    if len(cut) > 1 and len(cut[-1]) < min_size:
        cut[-2:] = [np.concatenate(cut[-2:])]
    return cut


def guarded_batches(
    examples: Examples,
    *,
    rows: Rows,
    batch_size: int,
    forbidden: frozenset[str],
    min_size: int = 2,
) -> Iterator[Rows]:
    """Training batches of `rows` in their order. Raises AssertionError if one holds a forbidden group."""
    for batch in batches(rows, batch_size=batch_size, min_size=min_size):
        leaked = forbidden.intersection(examples.groups[row] for row in batch)
        if leaked:
            msg = f"leak: groups {sorted(leaked)} are test, validation or other-half patients, and in a training batch"
            raise AssertionError(msg)
        yield batch


def validation_rows(examples: Examples, *, params: EarlyStoppingParams, order: np.random.Generator) -> Rows:
    """Rows held out for early stopping, whole groups, stratified by label; none if it is off or events are too few."""
    nothing = np.array([], dtype=np.intp)
    if not params.enabled:
        return nothing
    with_event = {group for group, label in zip(examples.groups, examples.labels, strict=True) if label == 1}
    held: set[str] = set()
    for members in (sorted(with_event), sorted(set(examples.groups) - with_event)):
        count = round(params.validation_fraction * len(members))
        held |= {members[i] for i in order.permutation(len(members))[:count]}
    rows = np.array([i for i, group in enumerate(examples.groups) if group in held], dtype=np.intp)
    events = {examples.patients[i] for i in rows if examples.labels[i] == 1}
    rest = np.delete(examples.labels, rows)
    usable = len(events) >= params.min_events and not examples.labels[rows].all() and 0 < rest.sum() < rest.size
    return rows if usable else nothing
