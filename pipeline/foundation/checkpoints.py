"""Finished cases of a long stage, kept in a scratch folder so that a killed stage goes on where it stopped.

A store is named by a hash of everything its cases depend on (inputs, params, code, package versions): change one and
the old cases are not found. The folder is never a stage's output, and is removed when the stage succeeds.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def fingerprint(*parts: object) -> str:
    """SHA-256 over the JSON of all parts (sorted keys; else as text): the name of a store or a case."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def code_hash() -> str:
    """SHA-256 of the source of every module of this package that is loaded now."""
    digest = hashlib.sha256()
    for name in sorted(name for name in sys.modules if name.partition(".")[0] == "pipeline"):
        source = getattr(sys.modules[name], "__file__", None)
        if source:
            digest.update(name.encode() + b"\0" + Path(source).read_bytes())
    return digest.hexdigest()


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """The installed version of each named distribution (`missing` where it is not installed)."""
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions


class CheckpointStore:
    """One folder of finished cases, `folder/<key>/<case>.json`."""

    def __init__(self, folder: Path, *, key: str) -> None:
        self.folder = folder / key[:32]

    def path(self, case: str, *, suffix: str = ".json") -> Path:
        """Where the result of `case` is kept; the name is hashed, so that any id is a valid file name."""
        return self.folder / f"{hashlib.sha256(case.encode()).hexdigest()[:32]}{suffix}"

    def count(self) -> int:
        """The number of finished cases (not `len`: an empty store must not count as no store)."""
        return len(list(self.folder.glob("*.json")))

    def load(self, case: str) -> Any | None:
        """The stored result of `case`, or None. Floats come back bit for bit (JSON keeps the shortest exact form)."""
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
        """Forget all cases: the stage has written its output. Older stores of the same stage go too."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)
