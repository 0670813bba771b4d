"""Write a file so that a reader sees all of it or none, even after a loss of power or on a full disk."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


@contextmanager
def whole_file(path: Path, *, mark: str = "") -> Iterator[BinaryIO]:
    """A stream to a temporary file beside `path`, which is flushed to the disk and takes its place when the block ends.

    If the block fails, the temporary file is removed and `path` stays as it was. `mark` distinguishes the temporary
    files of processes that may write `path` at the same time. Raises OSError with the name of `path` if the disk is
    full or cannot be written.
    """
    partial = path.with_name(f"{path.name}{mark}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            # Without it, the renamed file may be cut or empty after a crash: the name reaches the disk before the data.
            os.fsync(stream.fileno())
        partial.replace(path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
