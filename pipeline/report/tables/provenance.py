"""What the page was made from: the study's words, hashes of tables and parameters, the seed, versions."""

import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pipeline.foundation.checkpoints import package_versions
from pipeline.report.inputs import ReportInputs, params_hash

SOURCES = (".py", ".jinja", ".css", ".js")
PACKAGES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "skglm", "xgboost", "lightgbm", "torch", "torchvision"),
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


def _kind(name: str) -> str:
    return {"networks": "weights", "models": "model"}.get(name.partition("/")[0], "table")


def study_table(words: Mapping[str, str]) -> pd.DataFrame:
    """The study's words as the params give them; empty ones stay empty."""
    return pd.DataFrame({"item": list(words), "text": list(words.values())})


def provenance_table(study: ReportInputs) -> pd.DataFrame:
    """Hashes of tables, models and weights, of the params files' values and of the code; the seed; versions."""
    rows = [(_kind(name), name, value) for name, value in study.hashes.items()]
    rows += [("params", f"{name}.yaml", params_hash(content)) for name, content in study.params.items()]
    rows.append(("code", "pipeline and stages", source_hash()))
    rows.append(("run", "seed", str(study.params.get("common", {}).get("seed", ""))))
    rows.append(("package", "Python", platform.python_version()))
    rows += [("package", name, version) for name, version in package_versions(PACKAGES).items()]
    return pd.DataFrame(rows, columns=["kind", "name", "value"])
