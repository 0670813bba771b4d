"""Checkpoints: the finished cases of a long stage, kept in a scratch folder so that a killed stage resumes.

A store is named by a hash of everything its cases depend on (inputs, params, code, package versions): change one and
the old cases are not found. The folder is never a stage's output, and is removed when the stage succeeds. Runs may
share a scratch folder: a store that another run holds stays, as do the stores of other keys.
"""

import fcntl
import hashlib
import json
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.foundation.files import whole_file

log = logging.getLogger(__name__)
END = "\n"  # of every whole file: a number without its last digits would still be JSON


class CheckpointStore:
    """One folder of finished cases, `folder/<key>/<case>.json`."""

    def __init__(self, folder: Path, *, key: str) -> None:
        self.folder = folder / key[:32]
        self._held: BinaryIO | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "_held": None}  # a worker uses the store and does not hold it

    def path(self, case: str, *, suffix: str = ".json") -> Path:
        """The path of the result of `case`; the name is hashed, so that any id gives a valid file name."""
        return self.folder / f"{hashlib.sha256(case.encode()).hexdigest()[:32]}{suffix}"

    def count(self) -> int:
        """The number of finished cases (not `len`: an empty store must not count as no store)."""
        return len(list(self.folder.glob("*.json")))

    def load(self, case: str) -> Any | None:
        """The stored result of `case`, or None. Floats are restored exactly (JSON keeps their shortest exact form).

        A file that is cut or damaged is deleted, so that the case is computed again. Raises OSError if the file exists
        and cannot be read.
        """
        path = self.path(case)
        try:
            text = path.read_text(encoding="utf-8")
            if text.endswith(END):
                return json.loads(text)
        except FileNotFoundError:
            return None
        except ValueError:  # JSONDecodeError, UnicodeDecodeError
            pass
        log.warning("%s is cut off or damaged; this case is computed again", path)
        self.discard(case)
        return None

    def save(self, case: str, result: Any) -> None:
        """Store a JSON-serialisable result; a reader sees the whole file or none, even after a loss of power.

        Raises OSError if it cannot be written, for example on a full disk.
        """
        with whole_file(self.path(case), mark=f".{os.getpid()}") as stream:
            stream.write((json.dumps(result) + END).encode())

    def discard(self, case: str) -> None:
        """Delete the result of `case`."""
        self.path(case).unlink(missing_ok=True)

    def hold(self) -> None:
        """Keep other runs from removing this store, until this process ends or calls `remove`."""
        if self._held is None:
            self._held = _locked(self._lock, fcntl.LOCK_SH)

    def remove(self) -> None:
        """Delete all cases, once the stage has written its output; if another run holds the store, leave them to it.

        Stores of other keys stay, since another run may need them: deleting the scratch folder frees their space.
        """
        if self._held is not None:
            self._held.close()
            self._held = None
        lock = _locked(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.unlink(missing_ok=True)
        lock.close()
        with suppress(OSError):  # not empty: the stores of other runs
            self.folder.parent.rmdir()

    @property
    def _lock(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.lock")


def _locked(path: Path, how: int) -> BinaryIO | None:
    """The file of a lock, locked until it is closed or the process ends; None if another run holds it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            stream = path.open("ab")
        except FileNotFoundError:  # another run has just removed the folder
            continue
        try:
            fcntl.flock(stream, how)
        except BlockingIOError:
            stream.close()
            return None
        except OSError:  # a file system without locks
            return stream
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                return stream
        stream.close()  # another run has removed the file between the two calls
