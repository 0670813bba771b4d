"""Content store: finished cases that outlive the run, each found by what it was computed from.

A key is a hash of everything the result depends on (voxels, mask, settings, code, package versions, processor), and of
nothing else: neither the id of the image nor the other images. One patient more therefore costs one patient more. The
store is a cache: deleting it, or any file of it, changes no result. It needs no lock, since every file is whole and
named by its content, so that any number of processes may use one store at once, also on a network disk.
"""

import errno
import hashlib
import json
import logging
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.foundation.errors import FORBIDDEN
from pipeline.foundation.files import whole_file

log = logging.getLogger(__name__)
# The only files that are ever deleted: the folder may be a wrong one.
OURS = re.compile(r"[0-9a-f]{64}\.[a-z]+")
PARTIAL = re.compile(OURS.pattern + r"\.[0-9a-f]+\.partial")
ABANDONED_S = 86_400.0  # a temporary file of this age belongs to a killed process
# Another run has deleted the file, or its owner does not share it.
ABSENT = FORBIDDEN | {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}
DIGEST = 66  # bytes after the content: a line end, its SHA-256 as hex, a line end


class ContentStore:
    """One folder of finished cases, `folder/<first two digits of the key>/<key><suffix>`; keys are SHA-256 as hex."""

    def __init__(self, folder: Path, *, limit_bytes: int) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes

    def path(self, key: str, *, suffix: str = ".json") -> Path:
        """The file of `key`. Raises ValueError if it is not a SHA-256 as hex, or `suffix` is not a dot and letters."""
        if not OURS.fullmatch(f"{key}{suffix}"):
            raise ValueError(f"key ({key}{suffix}) must be a SHA-256 as hex and a suffix of letters")
        return self.folder / key[:2] / f"{key}{suffix}"

    def load(self, key: str) -> Any | None:
        """The result stored under `key`, or None. Floats are restored exactly (JSON keeps their shortest exact form).

        As `load_bytes`.
        """
        content = self.load_bytes(key, suffix=".json")
        return None if content is None else json.loads(content)

    def save(self, key: str, result: Any) -> None:
        """Store a JSON-serialisable result. As `save_bytes`."""
        self.save_bytes(key, json.dumps(result).encode(), suffix=".json")

    def load_bytes(self, key: str, *, suffix: str) -> bytes | None:
        """The bytes stored under `key` and `suffix`, or None; the file becomes the one that was used last.

        A cut or damaged file is deleted and gives None, so that the case is computed again; so does a file that another
        run has just deleted, or that this user may not read. Raises OSError for other faults of the disk.
        """
        path = self.path(key, suffix=suffix)
        try:
            stored = path.read_bytes()
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise
        content = stored[:-DIGEST]
        whole = stored[-DIGEST:] == _digest(content)
        with suppress(OSError):  # a store that may only be read, or a file that another run has just deleted
            os.utime(path) if whole else path.unlink()
        if whole:
            return content
        log.warning("%s is cut off or damaged; this case is computed again", path)
        return None

    def save_bytes(self, key: str, content: bytes, *, suffix: str) -> None:
        """Store bytes; a reader sees the whole file or none, even after a loss of power.

        Nothing happens if this user may not write to the store (see `warn_if_read_only`). Raises OSError for other
        faults, for example a full disk.
        """
        try:
            with whole_file(self.path(key, suffix=suffix), mark=f".{secrets.token_hex(8)}") as stream:
                stream.write(content + _digest(content))
        except OSError as error:
            if error.errno not in FORBIDDEN:
                raise

    def warn_if_read_only(self) -> None:
        """Log a warning if this user may not write to the store."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            writable = os.access(self.folder, os.W_OK)
        except OSError as error:
            if error.errno not in FORBIDDEN:
                raise
            writable = False
        if not writable:
            log.warning("%s is read-only: its cases are used, new ones are not kept", self.folder)

    def count(self) -> int:
        """The number of finished cases."""
        return sum(1 for _ in self._files(OURS))

    def size_bytes(self) -> int:
        """The size of all finished cases."""
        return sum(stat.st_size for _, stat in self._files(OURS))

    def prune(self) -> int:
        """Delete the cases that were not used for the longest time, until `limit_bytes` is kept; returns their number.

        To be called when a stage has written its outputs: until then, its cases are needed to resume. Cases that
        another run needs may go too; it computes them again. Temporary files of killed processes are deleted.
        """
        return self._delete_down_to(self.limit_bytes)

    def empty(self) -> int:
        """Delete all cases, and nothing else that the folder may hold; returns their number."""
        return self._delete_down_to(0)

    def _delete_down_to(self, limit_bytes: int) -> int:
        for path, stat in self._files(PARTIAL):
            if time.time() - stat.st_mtime > ABANDONED_S:
                _delete(path)
        files = sorted(self._files(OURS), key=lambda file: (-file[1].st_mtime_ns, file[0].name))
        kept, deleted = 0, 0
        for path, stat in files:
            kept += stat.st_size
            if kept > limit_bytes:
                deleted += _delete(path)
        return deleted

    def _files(self, pattern: re.Pattern[str]) -> Iterator[tuple[Path, os.stat_result]]:
        for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
            if pattern.fullmatch(path.name):
                with suppress(OSError):  # another run has just deleted it
                    yield path, path.stat()


def _digest(content: bytes) -> bytes:
    """The end of every whole file: a flipped bit in a number would still be JSON."""
    return f"\n{hashlib.sha256(content).hexdigest()}\n".encode()


def _delete(path: Path) -> bool:
    """Whether this process deleted the file; others may do so at the same time, or may own it."""
    try:
        path.unlink()
    except OSError as error:
        if error.errno not in ABSENT:
            raise
        return False
    return True
