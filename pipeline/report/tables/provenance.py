"""Provenance of the page: the study's words, every parameter, hashes of tables and params, the seed, versions."""

import hashlib
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.foundation.fingerprints import package_versions
from pipeline.report.inputs import ReportInputs, params_hash

SOURCES = (".py", ".jinja", ".css", ".js")
PACKAGES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "numba", "xgboost", "lightgbm", "torch", "torchvision"),
    *("SimpleITK", "pyradiomics", "PyWavelets", "scikit-image", "dvc", "jinja2"),
)


def source_hash() -> str:
    """SHA-256 of the project's own code: every source and template of `pipeline` and `stages`, by its path."""
    root = Path(__file__).resolve().parents[3]
    digest = hashlib.sha256()
    for folder in ("pipeline", "stages"):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix in SOURCES:
                digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def cpu_type(info: Path = Path("/proc/cpuinfo")) -> str:
    """The model of this machine's CPU; its architecture if the system does not name the model."""
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (models[0] if models else "") or platform.processor() or platform.machine()


def _kind(name: str) -> str:
    return {"networks": "weights", "models": "model"}.get(name.partition("/")[0], "table")


def study_table(words: Mapping[str, str]) -> pd.DataFrame:
    """The study's words as given in the params; empty ones stay empty."""
    return pd.DataFrame({"item": list(words), "text": list(words.values())})


def provenance_table(study: ReportInputs) -> pd.DataFrame:
    """Hashes of tables, models and weights, of the params' values and of the code; the seed, the CPU, versions."""
    rows = [(_kind(name), name, value) for name, value in study.hashes.items()]
    rows += [("params", f"{name}.yaml", params_hash(content)) for name, content in study.params.items()]
    rows.append(("code", "pipeline and stages", source_hash()))
    rows.append(("run", "seed", str(study.params.get("common", {}).get("seed", ""))))
    # The last digits of a network or a fit differ between types of CPU, so that a number belongs to one.
    rows.append(("run", "CPU", cpu_type()))
    rows.append(("package", "Python", platform.python_version()))
    rows += [("package", name, version) for name, version in package_versions(PACKAGES).items()]
    return pd.DataFrame(rows, columns=["kind", "name", "value"])


def parameter_table(params: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The content of the params files, flat: file, key (levels joined by dots), value as text.

    A list of single values is one value, joined by commas; other lists are numbered from 1. null is empty.
    """
    rows = [(name, key, value) for name, content in params.items() for key, value in _flat(content)]
    return pd.DataFrame(rows, columns=["file", "key", "value"]).astype("str")


def _flat(content: Any, *, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping) and content:
        for key, value in content.items():
            yield from _flat(value, prefix=f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(content, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in content):
        for number, value in enumerate(content, 1):
            yield from _flat(value, prefix=f"{prefix}.{number}")
    elif isinstance(content, list | tuple):
        yield prefix, ", ".join(_text(one) for one in content)
    else:
        yield prefix, "" if isinstance(content, Mapping) else _text(content)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        f"{value:g}" if isinstance(value, float) and f"{value:g}" == repr(value).rstrip("0").rstrip(".") else str(value)
    )
