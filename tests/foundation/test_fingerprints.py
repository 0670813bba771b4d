"""Hashes and versions that identify a result."""

import hashlib

import pytest

from pipeline.foundation import fingerprints
from pipeline.foundation.fingerprints import (
    code_hash,
    file_sha256,
    fingerprint,
    package_versions,
    processor,
    rooms_hash,
)


def test_fingerprint_depends_on_every_part_and_not_on_key_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert len({fingerprint("a", "b"), fingerprint("ab"), fingerprint("b", "a"), fingerprint(["a", "b"])}) == 4


def test_code_hash_is_stable_and_versions_name_what_is_missing():
    assert code_hash() == code_hash()
    versions = package_versions(["numpy", "no-such-package"])
    assert versions["no-such-package"] == "missing"
    assert versions["numpy"][0].isdigit()


def test_file_sha256_is_the_hash_of_the_bytes(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\0\n" * 2_000_000)

    assert file_sha256(tmp_path / "a.bin") == hashlib.sha256(b"\0\n" * 2_000_000).hexdigest()


def test_the_hash_of_rooms_follows_every_file_of_theirs_and_no_other(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "__file__", str(tmp_path / "foundation" / "fingerprints.py"))
    hashes = []
    for name in ("crop/a.py", "crop/deep/b.py", "report/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1")
        hashes.append(rooms_hash("crop"))

    assert hashes[0] != hashes[1] == hashes[2]
    with pytest.raises(ValueError, match=r"room \(radiomic\) has no source file"):
        rooms_hash("radiomic")


def test_the_processor_is_its_type_and_not_its_clock(tmp_path):
    def named(flags, mhz):
        text = f"processor\t: 0\nmodel\t\t: 143\ncpu MHz\t\t: {mhz}\nflags\t\t: {flags}\n\nprocessor\t: 1\n"
        (tmp_path / "cpuinfo").write_text(text)
        return processor(tmp_path / "cpuinfo")

    assert named("sse avx", 2000) == named("sse avx", 3100)
    assert named("sse avx", 2000) != named("sse", 2000)
    assert processor() == processor()
