"""The content store: bit for bit, whole or absent, the newest kept, and nothing but its own files deleted."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from pipeline.foundation.content_store import DIGEST, ContentStore
from pipeline.foundation.fingerprints import fingerprint

A, B, C = (fingerprint(name) for name in "abc")


def store_in(folder, *, limit_bytes=10**9):
    return ContentStore(folder / "store", limit_bytes=limit_bytes)


def test_what_is_saved_is_loaded_bit_for_bit(tmp_path):
    store = store_in(tmp_path)
    assert store.load(A) is None
    store.save(A, {"values": [0.1 + 0.2, -0.0, None]})
    store.save_bytes(B, b"\x00\n\xff", suffix=".safetensors")

    assert repr(store.load(A)) == repr({"values": [0.1 + 0.2, -0.0, None]})
    assert store.load_bytes(B, suffix=".safetensors") == b"\x00\n\xff"
    assert store.load(B) is None
    assert (store.count(), store.size_bytes()) == (2, sum(file.stat().st_size for file in tmp_path.glob("store/*/*")))


def test_a_name_that_is_no_hash_is_a_bug(tmp_path):
    with pytest.raises(ValueError, match="must be a SHA-256"):
        store_in(tmp_path).save("../patient", 1)


@pytest.mark.parametrize("damage", [lambda b: b[:0], lambda b: b[:-DIGEST], lambda b: b[:-1], lambda b: b"2" + b[1:]])
def test_a_cut_or_damaged_file_is_deleted_and_computed_again(tmp_path, damage):
    store = store_in(tmp_path)
    store.save(A, 1.25)
    store.path(A).write_bytes(damage(store.path(A).read_bytes()))

    assert store.load(A) is None
    assert store.count() == 0


def test_pruning_keeps_what_was_used_last(tmp_path):
    store = store_in(tmp_path)
    for age, key in ((300, A), (200, B), (100, C)):
        store.save(key, "x")
        os.utime(store.path(key), (1e9 - age, 1e9 - age))
    store.load(A)
    store.limit_bytes = 2 * store.path(A).stat().st_size

    assert store.prune() == 1
    assert [store.load(key) for key in (A, B, C)] == ["x", None, "x"]
    store.limit_bytes = 0
    assert (store.prune(), store.count()) == (2, 0)


def test_only_its_own_files_are_deleted(tmp_path):
    store = store_in(tmp_path)
    store.save(A, 1)
    old, new = (store.path(A).with_name(f"{A}.json.{mark}.partial") for mark in ("0a", "0b"))
    strange = [store.folder / "thesis.doc", store.folder / "ab" / "thesis.doc", new]
    for path in (old, *strange):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    os.utime(old, (1e9, 1e9))

    assert store.empty() == 1
    assert not old.exists()
    assert all(path.exists() for path in strange)


def refused(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path, monkeypatch):
    store = store_in(tmp_path)
    monkeypatch.setattr(os, "fsync", refused(errno.ENOSPC))
    with pytest.raises(OSError, match=r"No space left on device: .*store"):
        store.save(A, 1)

    assert not list(store.folder.rglob("*.*"))


def test_a_read_only_store_is_used_with_a_warning(tmp_path, monkeypatch, caplog):
    store = store_in(tmp_path)
    store.save(A, 1)
    for name in ("utime", "fsync"):
        monkeypatch.setattr(os, name, refused(errno.EROFS))
    monkeypatch.setattr(os, "access", lambda *_: False)
    store.warn_if_read_only()
    store.save(B, 2)

    assert (store.load(A), store.load(B)) == (1, None)
    assert "store is read-only: its cases are used, new ones are not kept" in caplog.text


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESTALE, errno.EACCES])
def test_a_file_that_vanished_or_is_not_ours_to_read_is_a_miss(tmp_path, monkeypatch, number):
    store = store_in(tmp_path)
    store.save(A, 1)
    monkeypatch.setattr(Path, "read_bytes", refused(number))

    assert store.load(A) is None


def test_a_disk_that_fails_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "read_bytes", refused(errno.EIO))
    with pytest.raises(OSError, match="Input/output error"):
        store_in(tmp_path).load(A)


WRITER = """
import sys
from pathlib import Path
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.fingerprints import fingerprint
store = ContentStore(Path(sys.argv[1]), limit_bytes=0)
print("started", flush=True)
for turn in range(int(sys.argv[2])):
    key = fingerprint(turn % 5)
    found = store.load(key)
    assert found in (None, [turn % 5] * 2000), found
    store.save(key, [turn % 5] * 2000)
    if turn % 7 == 0:
        store.prune()
"""


def test_many_processes_write_read_prune_and_are_killed_at_any_time(tmp_path):
    def writer(turns):
        command = [sys.executable, "-c", WRITER, str(tmp_path / "store"), str(turns)]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    with writer(60) as one, writer(60) as other, writer(10**6) as killed:
        assert killed.stdout.readline() == b"started\n"
        errors = [process.communicate()[1] for process in (one, other)]
        killed.kill()

    assert (errors, one.returncode, other.returncode) == ([b"", b""], 0, 0)
    store = store_in(tmp_path)
    assert all(store.load(fingerprint(place)) in (None, [place] * 2000) for place in range(5))
