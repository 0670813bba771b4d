"""Every input of the report in one place: the study's tables, its params files, the cards of its networks."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.contracts.data.agreement import AGREEMENT
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import AUDIT, COHORT, DATE, NOT_CLINICAL, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.embed import LOGIT, embedding_files
from pipeline.contracts.data.reduce import HALF_SAMPLES, LASSO, LASSO_PATHS, REDUCED, SELECTED
from pipeline.contracts.data.split import FINAL, SPLITS
from pipeline.contracts.reports.compare import (
    ADDED_VALUE,
    CALIBRATION,
    CALIBRATION_CURVES,
    CHOSEN,
    CURVES,
    DECISION_CURVES,
    DELONG,
    FOLDS,
    MCNEMAR,
    METRICS,
    OMNIBUS,
    TRANSPORT,
)
from pipeline.contracts.reports.consistency import CONSISTENCY
from pipeline.contracts.reports.explain import EXPLAIN, PERMUTATION, SHAP, SHAP_GROUPS, SHAP_MODELS
from pipeline.contracts.reports.segment import SEGMENTATION, SEGMENTATION_SUMMARY, SEGMENTATION_TESTS
from pipeline.contracts.reports.selftest import CONTROLS, SELFTEST, SHAM, SIZE_ALONE
from pipeline.foundation.errors import TableError
from pipeline.foundation.fingerprints import file_sha256, fingerprint
from pipeline.foundation.params import read_yaml
from pipeline.foundation.pseudonyms import pseudonyms
from pipeline.foundation.tables import Contract, read_csv, read_table
from pipeline.plan.feature_sets import OF_IMAGES, RADIOMICS
from pipeline.report.near_images import NearImages, read_near_images
from pipeline.report.nomogram import Nomogram, read_nomogram
from pipeline.report.regions import Regions, read_dictionary, read_regions

Tables = dict[str, pd.DataFrame]
SINGLE = {"cohort": COHORT, "patients": PATIENTS, "audit": AUDIT, "rois": ROIS, "splits": SPLITS}
RESULTS = {
    "metrics": METRICS,
    "folds": FOLDS,
    "delong": DELONG,
    "chosen": CHOSEN,
    "omnibus": OMNIBUS,
    "mcnemar": MCNEMAR,
    "calibration": CALIBRATION,
    "calibration_curves": CALIBRATION_CURVES,
    "decision_curves": DECISION_CURVES,
    "added_value": ADDED_VALUE,
    "curves": CURVES,
    "transport": TRANSPORT,
    "selftest": SELFTEST,
    "sham": SHAM,
    "size_alone": SIZE_ALONE,
    "controls": CONTROLS,
    "consistency": CONSISTENCY,
    "explain": EXPLAIN,
    "shap": SHAP,
    "shap_models": SHAP_MODELS,
    "shap_groups": SHAP_GROUPS,
    "permutation": PERMUTATION,
    "segmentation": SEGMENTATION,
    "segmentation_summary": SEGMENTATION_SUMMARY,
    "segmentation_tests": SEGMENTATION_TESTS,
}


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """What the report is made of.

    `results` (as `RESULTS`); by feature set `selected`, `lasso`, `half_samples`, `lasso_paths` and `reduced` (rows of
    resample `final`); `predictions` by file name; `agreement` (ICC by feature); `extraction` (status of each image's
    radiomics; empty if the stage did not run); `cards` (of the networks named in params/embed.yaml); `params` (the
    content of every params file); `hashes` (SHA-256 by table); `pictures` (bytes by file name of explain.csv);
    `near` (near-duplicates and their thumbnails); `nomogram` (of the logistic regression of the primary set); `regions`
    (features by predicted masks, examples of segmentation, habitats).
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
    lasso: Tables
    half_samples: Tables
    lasso_paths: Tables
    reduced: Tables
    predictions: Tables
    agreement: pd.DataFrame
    cards: Mapping[str, list[dict[str, Any]]]
    params: Mapping[str, dict[str, Any]]
    hashes: Mapping[str, str]
    pictures: Mapping[str, bytes]
    near: NearImages
    nomogram: Nomogram | None
    regions: Regions

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

    @property
    def blocks(self) -> list[str]:
        """The blocks of the compared sets, each once."""
        sets = self.params.get("fusion", {}).get("sets", {})
        return sorted({str(block) for name in self.sets for block in sets.get(name, [])})

    @property
    def has_clinical(self) -> bool:
        """Whether the patients table has a clinical column."""
        return bool(set(self.patients.columns) - set(NOT_CLINICAL))

    @property
    def lights(self) -> dict[str, str]:
        """The light of every self-test by its name; empty if the stage did not run."""
        table = self.results["selftest"]
        return dict(zip(table["check"], table["light"], strict=True))

    @property
    def evaluated(self) -> set[str]:
        """The test cohorts of the study: internal, external, both or none."""
        return set(self.splits.loc[self.splits["resample"] == FINAL, "role"]) - {"train"}

    @property
    def near_mode(self) -> str:
        """`near_duplicates` of params/cohort.yaml: join, report or off."""
        return str(self.params.get("cohort", {}).get("near_duplicates", "join"))

    @property
    def has_dates(self) -> bool:
        """Whether any patient has a date."""
        return DATE in self.patients.columns and bool(self.patients[DATE].notna().any())

    @property
    def training_events(self) -> int:
        """Training patients with the event."""
        train = self.splits.loc[(self.splits["resample"] == FINAL) & (self.splits["role"] == "train"), "patient_id"]
        return int(self.patients.loc[self.patients["patient_id"].isin(train), "label"].sum())

    def final_features(self, feature_set: str) -> int:
        """The maximum number of features that a model of the set is fitted on, over the parts of resample `final`."""
        table = self.reduced[feature_set]
        train = table[table["role"] == "train"].drop(columns=["resample", "patient_id", "role"])
        return max((int(rows.drop(columns="part").notna().any().sum()) for _, rows in train.groupby("part")), default=0)


def read_inputs(paths: Mapping[str, Path]) -> ReportInputs:
    """Read the inputs of the report; `paths` holds the paths given to the stage, by the name of the flag.

    Stray files in a folder are ignored: the sets are those of chosen.csv, the networks those of params/embed.yaml.
    Raises TableError if a table is missing or breaks its contract, ParamsError if a params file is not YAML.
    """
    params = {file.stem: read_yaml(file) for file in sorted(paths["all_params"].glob("*.yaml"))}
    tables = {name: read_table(paths[name], contract) for name, contract in SINGLE.items()}
    results = {name: read_table(paths["tables"] / f"{name}.csv", contract) for name, contract in RESULTS.items()}
    chosen = results["chosen"]
    sets = sorted(chosen.loc[chosen["kind"] == "classifier", "feature_set"])
    # One file per network, which also holds the heads of its views, if it has any.
    heads = sorted(f"{net}_head" for net in chosen.loc[chosen["kind"] == "head", "feature_set"].unique())
    nets = [str(net) for net in params.get("embed", {}).get("nets", [])]
    blocks = {name: [str(one) for one in own] for name, own in params.get("fusion", {}).get("sets", {}).items()}
    used = {name: blocks.get(name, []) for name in sets}
    reduced = _final_rows(_by_name(paths["reduced"], sets, REDUCED))
    return ReportInputs(
        **tables,
        dictionary=read_dictionary(paths, sets=used),
        results=results,
        extraction=_extraction(paths["features"] / "radiomics.csv"),
        selected=_by_name(paths["selected"], sets, SELECTED),
        lasso=_by_name(paths["lasso"], sets, LASSO),
        lasso_paths=_by_name(paths["lasso_paths"], sets, LASSO_PATHS),
        half_samples=_by_name(paths["half_samples"], sets, HALF_SAMPLES),
        reduced=reduced,
        agreement=read_table(paths["agreement"], AGREEMENT),
        predictions=_by_name(paths["predictions"], [*sets, *heads], PREDICTIONS),
        cards={net: _cards(paths["networks"] / net) for net in nets},
        params=params,
        hashes=_hashes(paths, sets=used, heads=heads, nets=nets),
        near=read_near_images(paths["near"]),
        nomogram=_nomogram(paths["models"], chosen=chosen, reduced=reduced),
        pictures=_pictures(paths["pictures"], explain=results["explain"]),
        regions=_regions(paths, tables=tables, results=results, sets=used),
    )


def _regions(paths: Mapping[str, Path], *, tables: Tables, results: Tables, sets: Mapping[str, list[str]]) -> Regions:
    """Masks and habitats; `sets`: the blocks of each set."""
    cohort, patients = tables["cohort"], tables["patients"]
    return read_regions(
        paths,
        sets=sets,
        cohort=cohort,
        rois=tables["rois"],
        results=results,
        patients=list(patients["patient_id"]),
        names=pseudonyms(patients=patients, cohort=cohort, audit=tables["audit"]),
    )


def _nomogram(models: Path, *, chosen: pd.DataFrame, reduced: Tables) -> Nomogram | None:
    """The nomogram of the logistic regression of the primary set; None if none is named, or if it has no feature."""
    primary = [str(name) for name in chosen.loc[chosen["role"] == "primary", "feature_set"]]
    return read_nomogram(models / primary[0], reduced=reduced[primary[0]]) if primary else None


def _final_rows(tables: Tables) -> Tables:
    return {name: table[table["resample"] == FINAL] for name, table in tables.items()}


def _by_name(folder: Path, names: list[str], contract: Contract) -> Tables:
    return {name: read_table(folder / f"{name}.csv", contract) for name in names}


def _pictures(folder: Path, *, explain: pd.DataFrame) -> dict[str, bytes]:
    names = [*explain["picture"].unique(), *explain["waterfall"].dropna().unique()]
    return {str(name): (folder / str(name)).read_bytes() for name in names}


def _extraction(path: Path) -> pd.DataFrame:
    columns = ["image_id", "status", "reason"]
    if not path.exists():
        return pd.DataFrame(columns=columns, dtype="str")
    return read_csv(path, text_columns=columns)[columns]


def _cards(folder: Path) -> list[dict[str, Any]]:
    """The cards of a network's trained copies, in order of name; empty if the folder has none."""
    try:
        return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]
    except ValueError as error:
        raise TableError(f"{folder}: a network's card is not readable; run the stage embed again ({error})") from error


def _hashes(
    paths: Mapping[str, Path], *, sets: Mapping[str, list[str]], heads: list[str], nets: list[str]
) -> dict[str, str]:
    """SHA-256 of every table, network and model behind the report, by a name without any folder of this machine.

    `sets`: the blocks of each set.
    """
    files = {f"{name}.csv": paths[name] for name in ("cohort", "patients", "audit", "rois", "splits", "dictionary")}
    files["near_duplicates/pairs.csv"] = paths["near"] / "pairs.csv"
    images = [block for block in OF_IMAGES if any(block in own for own in sets.values()) or block == RADIOMICS]
    for name in (*images, *nets, *(f"{net}{LOGIT}" for net in nets)):
        files[f"features/{name}.csv"] = paths["features"] / f"{name}.csv"
    for folder in ("selected", "lasso", "half_samples", "reduced"):
        files |= {f"{folder}/{name}.csv": paths[folder] / f"{name}.csv" for name in sets}
    files |= {f"predictions/{name}.csv": paths["predictions"] / f"{name}.csv" for name in [*sets, *heads]}
    files |= {f"tables/{name}.csv": paths["tables"] / f"{name}.csv" for name in RESULTS}
    for net in nets:
        files |= {
            f"networks/{net}/{file.name}": file for file in sorted((paths["networks"] / net).glob("*.safetensors"))
        }
    hashes = {name: file_sha256(file) for name, file in files.items() if file.exists()}
    return hashes | folder_hashes(paths, sets=list(sets), nets=[*images, *nets])


def folder_hashes(paths: Mapping[str, Path], *, sets: list[str], nets: list[str]) -> dict[str, str]:
    """One SHA-256 for all embeddings of a network beside its CSV, and one for all models of a set; none if there are
    no such files. `paths` as for `read_inputs`.
    """
    folders = {f"features/{net}": embedding_files(paths["features"] / f"{net}.csv")[1:] for net in nets}
    for name in sets:
        saved = sorted((paths["models"] / name).glob("*"))
        folders[f"models/{name}"] = [file for file in saved if not file.name.endswith(".card.json")]
    content = {name: [(file.name, file_sha256(file)) for file in saved] for name, saved in folders.items()}
    return {name: fingerprint(saved) for name, saved in content.items() if saved}


def params_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of a params file's values: independent of comments and of the order of keys."""
    return fingerprint(content)
