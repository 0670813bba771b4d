"""The structure of the code: which module imports which, which room it is in, and what each DVC stage declares."""

import ast
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

from places import ROOT
from ruamel.yaml import YAML

PACKAGES = ("pipeline", "stages")
FOUNDATION = "pipeline/foundation"
# From this number of files, a stage names the room instead of its files.
A_ROOM = 3


def module_file(name: str) -> Path | None:
    """The file of a dotted module of this project, or None if there is none."""
    base = ROOT / Path(*name.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if path.exists():
            return path
    return None


def imports_of(path: Path) -> set[str]:
    """The project modules that a file imports, at its top or inside its functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        found |= {name for name in names if name.split(".")[0] in PACKAGES and module_file(name)}
    return found


def closure(path: Path) -> set[str]:
    """Every project module that running `path` loads: imports of imports.

    Packages are excluded: a test limits their `__init__.py` to one docstring, so that they change nothing.
    """
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += [file for name in imports_of(current) if (file := module_file(name))]
    return {file.relative_to(ROOT).as_posix() for file in seen if file.name != "__init__.py"}


def room_of(file: str) -> str:
    """The room of a module: `pipeline/crop`; of contracts, those of `data` and of `reports` are two rooms."""
    parts = PurePosixPath(file).parts
    return "/".join(parts[: 3 if parts[:2] == ("pipeline", "contracts") else 2][: len(parts) - 1])


def code_deps(stage: str) -> list[str]:
    """The code that `stage` must declare: rooms as folders, and single files of rooms of which it uses only a few."""
    by_room = defaultdict(list)
    for file in sorted(closure(ROOT / "stages" / f"{stage}.py")):
        by_room[room_of(file)].append(file)
    found = []
    for room, files in by_room.items():
        whole = room in (FOUNDATION, f"pipeline/{stage}") or len(files) >= A_ROOM
        found += [room] if whole and room not in PACKAGES else files
    return found


def dvc_stages() -> dict[str, dict[str, Any]]:
    """The stages of dvc.yaml; a `foreach` stage is given by its `do`."""
    content = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: stage.get("do", stage) for name, stage in content["stages"].items()}


def declared(stage: dict[str, Any], *kinds: str) -> list[str]:
    """The paths that a stage declares under the given keys, without their options."""
    entries = [entry for kind in kinds for entry in stage.get(kind, [])]
    return [(next(iter(entry)) if isinstance(entry, dict) else entry).rstrip(":") for entry in entries]


def rooms_of_readme() -> dict[str, str]:
    """The rooms of `pipeline/` in the tree of the README, each with its description there."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^  ([a-z]+)/ +← (.+)$", text, flags=re.MULTILINE))
