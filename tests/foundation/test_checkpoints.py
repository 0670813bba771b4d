"""Finished cases: kept bit for bit, found only under the same inputs, gone on success."""

import math

from hypothesis import given
from hypothesis import strategies as st

from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.fingerprints import code_hash, fingerprint, package_versions


def test_a_case_comes_back_and_is_gone_after_success(tmp_path):
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


def test_another_key_does_not_see_the_cases(tmp_path):
    CheckpointStore(tmp_path / "stage", key="a" * 64).save("case", 1)
    assert CheckpointStore(tmp_path / "stage", key="b" * 64).load("case") is None


def test_a_case_that_was_cut_while_written_is_not_there(tmp_path):
    store = CheckpointStore(tmp_path / "stage", key="k" * 64)
    store.save("case", [1.0])
    path = store.path("case")
    path.rename(path.with_name(f"{path.name}.17.partial"))
    assert store.load("case") is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back_bit_for_bit(tmp_path_factory, value):
    store = CheckpointStore(tmp_path_factory.getbasetemp() / "floats", key="k" * 64)
    store.save("case", value)
    again = store.load("case")
    assert again == value
    assert math.copysign(1, again) == math.copysign(1, value)


def test_fingerprint_depends_on_every_part_and_not_on_key_order():
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert len({fingerprint("a", "b"), fingerprint("ab"), fingerprint("b", "a"), fingerprint(["a", "b"])}) == 4


def test_code_hash_is_stable_and_versions_name_what_is_missing():
    assert code_hash() == code_hash()
    versions = package_versions(["numpy", "no-such-package"])
    assert versions["no-such-package"] == "missing"
    assert versions["numpy"][0].isdigit()
