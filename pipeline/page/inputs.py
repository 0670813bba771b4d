"""Everything the report reads, in one place: the study's tables, its params files, the cards of its networks."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import contracts, result_contracts
from pipeline.checkpoints import fingerprint
from pipeline.errors import TableError
from pipeline.params import read_yaml
from pipeline.tables import Contract, read_csv, read_table

Tables = dict[str, pd.DataFrame]
RESULTS = {
    "metrics": result_contracts.METRICS,
    "folds": result_contracts.FOLDS,
    "delong": result_contracts.DELONG,
    "chosen": result_contracts.CHOSEN,
}


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """What the report is made of.

    `results` (metrics, folds, delong, chosen), `selected` by feature set, `predictions` by file name,
    `extraction` (status of each image's radiomics; empty where the stage did not run), `cards` (of the networks named
    in params/embed.yaml), `params` (the content of every params file), `hashes` (SHA-256 by table).
    """

    cohort: pd.DataFrame
    patients: pd.DataFrame
    audit: pd.DataFrame
    rois: pd.DataFrame
    splits: pd.DataFrame
    dictionary: pd.DataFrame
    extraction: pd.DataFrame
    results: Tables
    selected: Tables
    predictions: Tables
    cards: Mapping[str, list[dict[str, Any]]]
    params: Mapping[str, dict[str, Any]]
    hashes: Mapping[str, str]

    @property
    def sets(self) -> list[str]:
        """The feature sets that have a chosen classifier, in the order of params/fusion.yaml, then by name."""
        chosen = self.results["chosen"]
        found = set(chosen.loc[chosen["kind"] == "classifier", "feature_set"])
        named = [name for name in self.params.get("fusion", {}).get("sets", {}) if name in found]
        return [*named, *sorted(found - set(named))]

    @property
    def nets(self) -> list[str]:
        """The networks of params/embed.yaml."""
        return [str(net) for net in self.params.get("embed", {}).get("nets", [])]


def read_inputs(paths: Mapping[str, Path]) -> ReportInputs:
    """Read what the report needs; `paths` has the flags of the stage by name.

    A folder's stray files are not read: the sets are those of chosen.csv, the networks those of params/embed.yaml.
    Raises TableError where a table is missing or breaks its contract, ParamsError where a params file is not YAML.
    """
    params = {file.stem: read_yaml(file) for file in sorted(paths["all_params"].glob("*.yaml"))}
    single = {
        "cohort": contracts.COHORT,
        "patients": contracts.PATIENTS,
        "audit": contracts.AUDIT,
        "rois": contracts.ROIS,
        "splits": contracts.SPLITS,
        "dictionary": contracts.DICTIONARY,
    }
    tables = {name: read_table(paths[name], contract) for name, contract in single.items()}
    results = {name: read_table(paths["tables"] / f"{name}.csv", contract) for name, contract in RESULTS.items()}
    chosen = results["chosen"]
    sets = sorted(chosen.loc[chosen["kind"] == "classifier", "feature_set"])
    heads = sorted(chosen.loc[chosen["kind"] == "head", "model"])
    nets = [str(net) for net in params.get("embed", {}).get("nets", [])]
    radiomics = paths["features"] / "radiomics.csv"
    return ReportInputs(
        **tables,
        results=results,
        extraction=_extraction(radiomics),
        selected=_by_name(paths["selected"], sets, contracts.SELECTED),
        predictions=_by_name(paths["predictions"], [*sets, *heads], contracts.PREDICTIONS),
        cards={net: _cards(paths["networks"] / net) for net in nets},
        params=params,
        hashes=_hashes(paths, sets=sets, heads=heads, nets=nets),
    )


def _by_name(folder: Path, names: list[str], contract: Contract) -> Tables:
    return {name: read_table(folder / f"{name}.csv", contract) for name in names}


def _extraction(path: Path) -> pd.DataFrame:
    columns = ["image_id", "status", "reason"]
    if not path.exists():
        return pd.DataFrame(columns=columns, dtype="str")
    return read_csv(path, text_columns=columns)[columns]


def _cards(folder: Path) -> list[dict[str, Any]]:
    """The cards of a network's trained copies, in order of name; none where the folder has none."""
    try:
        return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    except ValueError as error:
        raise TableError(f"{folder}: a network's card is not readable; run the stage embed again ({error})") from error


def _hashes(paths: Mapping[str, Path], *, sets: list[str], heads: list[str], nets: list[str]) -> dict[str, str]:
    """SHA-256 of every table behind the report that exists, by a name that holds no folder of this machine."""
    files = {f"{name}.csv": paths[name] for name in ("cohort", "patients", "audit", "rois", "splits", "dictionary")}
    for name in ("radiomics", *nets):
        files[f"features/{name}.csv"] = paths["features"] / f"{name}.csv"
    for folder in ("selected", "lasso"):
        files |= {f"{folder}/{name}.csv": paths[folder] / f"{name}.csv" for name in sets}
    files |= {f"predictions/{name}.csv": paths["predictions"] / f"{name}.csv" for name in [*sets, *heads]}
    files |= {f"reports/tables/{name}.csv": paths["tables"] / f"{name}.csv" for name in RESULTS}
    return {name: file_hash(file) for name, file in files.items() if file.exists()}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def params_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a params file's values: comments and the order of keys change nothing."""
    return fingerprint(content)
