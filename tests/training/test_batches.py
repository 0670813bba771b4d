"""Batches: every row once, no batch of one row, never a patient of a forbidden group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.training.batches import Examples, batches, guarded_batches, validation_rows
from pipeline.training.params import EarlyStoppingParams


def examples(n_patients, *, every=3):
    """Two images per patient; every third patient has the event; patients 2k and 2k+1 form a group from 100 on."""
    patients = [f"P{number:04d}" for number in range(n_patients) for _ in range(2)]
    labels = [float(number % every == 0) for number in range(n_patients) for _ in range(2)]
    return Examples(
        pixels=np.zeros((len(patients), 2, 2), dtype=np.uint8),
        labels=np.array(labels, dtype=np.float32),
        patients=tuple(patients),
        groups=tuple(f"G{patient}" for patient in patients),
    )


def stopping(**changes):
    given = {"enabled": True, "patience_epochs": 2, "validation_fraction": 0.2, "min_events": 10}
    return EarlyStoppingParams.model_validate(given | changes)


@given(n=st.integers(0, 200), size=st.integers(2, 40))
def test_every_row_once_and_no_batch_of_one(n, size):
    cut = batches(np.arange(n), batch_size=size)

    assert [row for batch in cut for row in batch] == list(range(n))
    assert all(2 <= len(batch) <= size + 1 for batch in cut) or n == 1


def test_a_forbidden_group_stops_the_training():
    known = examples(6)
    list(guarded_batches(known, rows=np.arange(10), batch_size=4, forbidden=frozenset({"GP0005"})))
    with pytest.raises(AssertionError, match="leak: groups \\['GP0005'\\]"):
        list(guarded_batches(known, rows=np.arange(12), batch_size=4, forbidden=frozenset({"GP0005"})))


def test_validation_set_holds_whole_groups_of_both_classes():
    known = examples(150)
    rows = validation_rows(known, params=stopping(), order=np.random.default_rng(1))
    held = {known.groups[row] for row in rows}
    events = {known.patients[row] for row in rows if known.labels[row] == 1}

    assert len(held) == 30
    assert len(events) == 10
    assert len(rows) == 60
    assert all(row in rows for row, group in enumerate(known.groups) if group in held)


@pytest.mark.parametrize(
    ("n_patients", "changes"),
    [(135, {}), (150, {"min_events": 11}), (150, {"enabled": False}), (20, {"validation_fraction": 0.5})],
)
def test_nothing_is_held_out_if_events_are_too_few_or_it_is_off(n_patients, changes):
    rows = validation_rows(examples(n_patients), params=stopping(**changes), order=np.random.default_rng(1))

    assert rows.size == 0
