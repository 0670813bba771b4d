"""Reads the house itself: which module imports which, and what each DVC stage declares."""

import ast
from pathlib import Path
from typing import Any

from places import ROOT
from ruamel.yaml import YAML

PACKAGES = ("pipeline", "stages")


def module_file(name: str) -> Path | None:
    """The file of a dotted module of this project, or None where there is none."""
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


def closure(path: Path) -> set[Path]:
    """Every project file that running `path` loads: imports of imports, package files, templates beside them."""
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        package = current.parent / "__init__.py"
        if package.exists():
            waiting.append(package)
        seen |= {beside for beside in current.parent.glob(f"{current.stem}.*") if beside.suffix not in (".py", ".pyc")}
        waiting += [file for name in imports_of(current) if (file := module_file(name))]
    return {file.relative_to(ROOT) for file in seen}


def dvc_stages() -> dict[str, dict[str, Any]]:
    """The stages of dvc.yaml; a `foreach` stage is given by its `do`."""
    content = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: stage.get("do", stage) for name, stage in content["stages"].items()}


def declared(stage: dict[str, Any], *kinds: str) -> list[str]:
    """The paths that a stage declares under the given keys, without their options."""
    entries = [entry for kind in kinds for entry in stage.get(kind, [])]
    return [(next(iter(entry)) if isinstance(entry, dict) else entry).rstrip(":") for entry in entries]
