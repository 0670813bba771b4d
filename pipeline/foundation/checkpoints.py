"""Checkpoints: the finished cases of a long stage, kept in a scratch folder so that a killed stage resumes.

A store is named by a hash of everything its cases depend on (inputs, params, code, package versions): change one and
the old cases are not found. The folder is never a stage's output, and is removed when the stage succeeds.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any


class CheckpointStore:
    """One folder of finished cases, `folder/<key>/<case>.json`."""

    def __init__(self, folder: Path, *, key: str) -> None:
        self.folder = folder / key[:32]

    def path(self, case: str, *, suffix: str = ".json") -> Path:
        """The path of the result of `case`; the name is hashed, so that any id gives a valid file name."""
        return self.folder / f"{hashlib.sha256(case.encode()).hexdigest()[:32]}{suffix}"

    def count(self) -> int:
        """The number of finished cases (not `len`: an empty store must not count as no store)."""
        return len(list(self.folder.glob("*.json")))

    def load(self, case: str) -> Any | None:
        """The stored result of `case`, or None. Floats are restored exactly (JSON keeps their shortest exact form)."""
        path = self.path(case)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def save(self, case: str, result: Any) -> None:
        """Store a JSON-serialisable result; a reader sees the whole file or none."""
        path = self.path(case)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        partial.write_text(json.dumps(result), encoding="utf-8")
        partial.replace(path)

    def remove(self) -> None:
        """Delete all cases once the stage has written its output, and older stores of the same stage with them."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
