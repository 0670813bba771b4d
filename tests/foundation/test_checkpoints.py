"""Finished cases: stored bit for bit, found only for the same inputs, removed on success."""

import errno
import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT

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


@pytest.mark.parametrize("content", [b"", b'{"values": [0.1', b"\0" * 20, b"0.12", b"\xff\xfe\n"])
def test_a_cut_case_is_deleted_and_computed_again(tmp_path, content):
    store = CheckpointStore(tmp_path / "stage", key="k")
    store.save("case", 0.125)
    store.path("case").write_bytes(content)

    assert store.load("case") is None
    assert store.count() == 0


def test_a_case_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr(os, "fsync", lambda _: order.append("data"))
    rename = Path.replace
    monkeypatch.setattr(Path, "replace", lambda *paths: order.append("name") or rename(*paths))
    CheckpointStore(tmp_path / "stage", key="k").save("case", 1)

    assert order == ["data", "name"]


def test_a_full_disk_is_an_error_and_finished_cases_stay(tmp_path, monkeypatch):
    store = CheckpointStore(tmp_path / "stage", key="k")
    store.save("first", 1)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*stage"):
        store.save("second", 2)
    assert [path.name for path in store.folder.iterdir()] == [store.path("first").name]


def test_the_cases_of_other_runs_in_one_scratch_stay(tmp_path):
    ours, theirs = (CheckpointStore(tmp_path / "stage", key=key) for key in "ab")
    for case in "12345":
        theirs.save(case, 1)
    ours.save("1", 1)
    ours.remove()

    assert (ours.count(), theirs.count()) == (0, 5)


HOLDER = """
import sys
from pathlib import Path
from pipeline.foundation.checkpoints import CheckpointStore
store = CheckpointStore(Path(sys.argv[1]), key="k")
store.hold()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("killed", [False, True])
def test_two_runs_of_the_same_work_remove_it_once_both_are_done(tmp_path, killed):
    store = CheckpointStore(tmp_path / "stage", key="k")
    store.hold()
    store.save("case", 1)
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "stage")]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        store.remove()
        assert store.load("case") == 1
        other.kill() if killed else other.stdin.close()
        other.wait()
    store.remove()
    assert not (tmp_path / "stage").exists()


def test_a_worker_that_still_lives_does_not_hold_the_store(tmp_path):
    store = CheckpointStore(tmp_path / "stage", key="k")
    store.hold()
    copy = pickle.loads(pickle.dumps(store))
    copy.save("case", 1)
    store.remove()

    assert copy.load("case") is None
