"""Folds that never split a group, balanced in events and non-events."""

import numpy as np
from numpy.typing import NDArray


def deal_groups(
    labels: NDArray[np.int64], groups: NDArray[np.str_], *, folds: int, generator: np.random.Generator
) -> NDArray[np.int64]:
    """The fold, 0 to `folds` - 1, of each row; the order of the rows does not matter.

    `labels` (n,) of 0 and 1, `groups` (n,) names the group of each row. Groups are shuffled, then dealt one by one,
    those with most events first, each to the fold that has the fewest events (a group with an event) or the fewest
    non-events so far, ties to the smaller fold. If every group is one patient, folds differ by at most one event and
    one non-event.
    """
    names, unit = np.unique(groups, return_inverse=True)
    events = np.bincount(unit, weights=labels).astype(np.int64)
    non_events = np.bincount(unit).astype(np.int64) - events
    shuffled = generator.permutation(len(names))
    order = sorted(shuffled, key=lambda group: (-events[group], -non_events[group]))
    held_events, held_non_events = [0] * folds, [0] * folds
    fold_of = np.zeros(len(names), dtype=np.int64)
    for group in order:
        held = held_events if events[group] else held_non_events
        sizes = [a + b for a, b in zip(held_events, held_non_events, strict=True)]
        fold = min(range(folds), key=lambda number: (held[number], sizes[number], number))
        fold_of[group] = fold
        held_events[fold] += int(events[group])
        held_non_events[fold] += int(non_events[group])
    return fold_of[unit]


def draw_groups(
    labels: NDArray[np.int64], groups: NDArray[np.str_], *, fraction: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Which rows are drawn: whole groups with about `fraction` (0 to 1) of the events and of the non-events.

    `labels` (n,) of 0 and 1, `groups` (n,). Groups are shuffled; one is drawn while it fits into the rounded number
    of events and of non-events, large groups first. If every group is one patient, the numbers are exact.
    """
    names, unit = np.unique(groups, return_inverse=True)
    events = np.bincount(unit, weights=labels).astype(np.int64)
    non_events = np.bincount(unit).astype(np.int64) - events
    events_to_draw = round(fraction * int(events.sum()))
    non_events_to_draw = round(fraction * int(non_events.sum()))
    drawn = np.zeros(len(names), dtype=np.bool_)
    shuffled = generator.permutation(len(names))
    for group in sorted(shuffled, key=lambda group: -(events[group] + non_events[group])):
        if events[group] <= events_to_draw and non_events[group] <= non_events_to_draw:
            drawn[group] = True
            events_to_draw -= int(events[group])
            non_events_to_draw -= int(non_events[group])
    return drawn[unit]
