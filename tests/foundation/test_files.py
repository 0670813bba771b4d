"""A file is written whole or not at all, and a full disk names it."""

import errno
import os

import pytest

from pipeline.foundation.files import whole_file


def test_the_older_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    with whole_file(path) as stream:
        stream.write(b"old")
    with whole_file(path, mark=".7") as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"old"
        assert (path.parent / "table.csv.7.partial").exists()

    assert path.read_bytes() == b"new"
    assert [one.name for one in path.parent.iterdir()] == ["table.csv"]


def write_half(path, fault):
    with whole_file(path) as stream:
        stream.write(b"ne")
        raise fault


@pytest.mark.parametrize(
    "fault", [KeyError("x"), KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))]
)
def test_a_fault_leaves_the_older_file_and_no_other(tmp_path, fault):
    path = tmp_path / "table.csv"
    path.write_bytes(b"old")
    with pytest.raises(type(fault)) as caught:
        write_half(path, fault)

    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["table.csv"]
    if isinstance(fault, OSError):
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
