"""The command that counts and empties the content store."""

import logging
import sys

import pytest

from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.fingerprints import fingerprint
from stages import store as command


@pytest.mark.parametrize(("words", "left"), [([], 2), (["--empty"], 0)])
def test_cases_are_counted_and_deleted_on_request_only(tmp_path, monkeypatch, caplog, words, left):
    store = ContentStore(tmp_path, limit_bytes=10**9)
    for name in "ab":
        store.save(fingerprint(name), "x" * 100_000)
    monkeypatch.setattr(sys, "argv", ["store", "--store", str(tmp_path), *words])
    with caplog.at_level(logging.INFO):
        command.main()

    assert "2 finished cases, 0.2 MB" in caplog.text
    assert store.count() == left


def test_a_folder_that_is_not_there_is_empty(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(sys, "argv", ["store", "--store", str(tmp_path / "none"), "--empty"])
    with caplog.at_level(logging.INFO):
        command.main()

    assert "0 finished cases" in caplog.text
