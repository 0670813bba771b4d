"""folders: the new folder replaces the old one whole, and a failure leaves the old one as it was."""

import pytest

from pipeline.foundation.folders import replace_folder, written_aside


def folder(path, **files):
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name).write_text(content, encoding="utf-8")
    return path


def content(path):
    return {file.name: file.read_text(encoding="utf-8") for file in path.iterdir()}


def test_no_file_of_the_old_folder_is_left(tmp_path):
    old = folder(tmp_path / "report", stale="1", both="1")
    replace_folder(folder(tmp_path / "report.partial", both="2"), old)

    assert content(old) == {"both": "2"}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_there_need_be_no_old_folder(tmp_path):
    replace_folder(folder(tmp_path / "new", a="1"), tmp_path / "tables" / "report")

    assert content(tmp_path / "tables" / "report") == {"a": "1"}


def test_the_old_folder_stays_if_the_new_one_is_missing(tmp_path):
    old = folder(tmp_path / "report", a="1")
    with pytest.raises(OSError, match="missing"):
        replace_folder(tmp_path / "missing", old)

    assert content(old) == {"a": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_the_rest_of_a_killed_run_is_removed(tmp_path):
    old = folder(tmp_path / "report", a="1")
    folder(tmp_path / "report.previous", older="0")
    replace_folder(folder(tmp_path / "new", a="2"), old)

    assert content(old) == {"a": "2"}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def write_half(old):
    with written_aside(old) as aside:
        (aside / "a").write_text("2", encoding="utf-8")
        raise ValueError("half way")


def test_a_block_that_fails_changes_nothing(tmp_path):
    old = folder(tmp_path / "report", a="1")
    with pytest.raises(ValueError, match="half way"):
        write_half(old)

    assert content(old) == {"a": "1"}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_block_that_ends_replaces_the_folder(tmp_path):
    old = folder(tmp_path / "report", stale="1")
    folder(tmp_path / "report.partial", rest="of a killed run")
    with written_aside(old) as aside:
        (aside / "a").write_text("2", encoding="utf-8")
        assert content(old) == {"stale": "1"}

    assert content(old) == {"a": "2"}
