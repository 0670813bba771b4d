"""What the page was made from: the study's words, hashes of tables and parameters, the seed, versions."""

import platform
from collections.abc import Mapping

import pandas as pd

from pipeline.checkpoints import package_versions
from pipeline.page.contract_parts import contract, texts
from pipeline.page.inputs import ReportInputs, params_hash

STUDY = contract("study words", ("item",), texts("text"))
PROVENANCE = contract("provenance", ("kind", "name"), texts("value"))
PACKAGES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "skglm", "xgboost", "lightgbm", "torch", "torchvision"),
    *("SimpleITK", "pyradiomics", "PyWavelets", "scikit-image", "dvc", "jinja2"),
)


def study_table(words: Mapping[str, str]) -> pd.DataFrame:
    """The study's words as the params give them; empty ones stay empty."""
    return pd.DataFrame({"item": list(words), "text": list(words.values())})


def provenance_table(study: ReportInputs) -> pd.DataFrame:
    """Hashes of the tables and of the params files' values, the seed, versions of Python and of the packages."""
    rows: list[tuple[str, str, str]] = [("table", name, value) for name, value in study.hashes.items()]
    rows += [("params", f"{name}.yaml", params_hash(content)) for name, content in study.params.items()]
    rows.append(("run", "seed", str(study.params.get("common", {}).get("seed", ""))))
    rows.append(("package", "Python", platform.python_version()))
    rows += [("package", name, version) for name, version in package_versions(PACKAGES).items()]
    return pd.DataFrame(rows, columns=["kind", "name", "value"])
