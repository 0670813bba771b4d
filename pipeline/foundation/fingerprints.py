"""Hashes of files, values and code, and package versions: together they identify a result."""

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

# Lines of /proc/cpuinfo that do not change with the load; the second half is what ARM calls them.
_TELLING = ("vendor_id", "cpu family", "model\t", "flags", "CPU implementer", "CPU part", "Features")


def fingerprint(*parts: object) -> str:
    """SHA-256 over the JSON of all parts (keys sorted, other types as text): the name of a store or a case."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def code_hash() -> str:
    """SHA-256 of the source of every currently loaded module of this package."""
    digest = hashlib.sha256()
    for name in sorted(name for name in sys.modules if name.partition(".")[0] == "pipeline"):
        source = getattr(sys.modules[name], "__file__", None)
        if source:
            digest.update(name.encode() + b"\0" + Path(source).read_bytes())
    return digest.hexdigest()


def rooms_hash(*rooms: str) -> str:
    """SHA-256 of every source file of these rooms (`radiomics`), loaded or not: the same in every stage.

    Of results that may outlive a run, and that depend on these rooms alone. Raises ValueError if a room has no file.
    """
    digest, pipeline = hashlib.sha256(), Path(__file__).parents[1]
    for room in sorted(rooms):
        files = sorted((pipeline / room).rglob("*.py"))
        if not files:
            raise ValueError(f"room ({room}) has no source file in {pipeline}")
        for file in files:
            digest.update(file.relative_to(pipeline).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """The type of this machine's processor: results are equal to the byte only on processors of one type.

    Linux lists in `info` what distinguishes them, instructions included; elsewhere it is the name that Python knows.
    """
    about = [platform.machine(), platform.processor()]
    if info.is_file():
        first = info.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        about += [line for line in first.splitlines() if line.startswith(_TELLING)]
    return "; ".join(" ".join(line.split()) for line in about)


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """The installed version of each named distribution; `missing` if it is not installed."""
    versions = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "missing"
    return versions


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
