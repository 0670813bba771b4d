"""Finished cases: stored bit for bit, found only for the same inputs, removed on success."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.foundation.checkpoints import CheckpointStore


def test_a_case_is_restored_and_is_removed_after_success(tmp_path):
    store = CheckpointStore(tmp_path / "stage", key="k" * 64)
    assert store.load("a/b: ö") is None
    store.save("a/b: ö", {"values": [0.1 + 0.2, None]})
    assert store.load("a/b: ö") == {"values": [0.1 + 0.2, None]}
    store.remove()
    assert store.load("a/b: ö") is None
    assert not (tmp_path / "stage").exists()


def test_finished_cases_are_counted(tmp_path):
    store = CheckpointStore(tmp_path / "crop", key="k" * 40)
    assert store.count() == 0
    store.save("a", 1)
    store.save("b", 2)
    store.path("c", suffix=".safetensors").touch()

    assert store.count() == 2


def test_another_key_does_not_find_the_cases(tmp_path):
    CheckpointStore(tmp_path / "stage", key="a" * 64).save("case", 1)
    assert CheckpointStore(tmp_path / "stage", key="b" * 64).load("case") is None


def test_a_partially_written_case_is_not_loaded(tmp_path):
    store = CheckpointStore(tmp_path / "stage", key="k" * 64)
    store.save("case", [1.0])
    path = store.path("case")
    path.rename(path.with_name(f"{path.name}.17.partial"))
    assert store.load("case") is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_restored_bit_for_bit(tmp_path_factory, value):
    store = CheckpointStore(tmp_path_factory.getbasetemp() / "floats", key="k" * 64)
    store.save("case", value)
    again = store.load("case")
    assert again == value
    assert math.copysign(1, again) == math.copysign(1, value)
