"""Hashes and versions that identify a result."""

import hashlib

from pipeline.foundation.fingerprints import code_hash, file_sha256, fingerprint, package_versions


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
