"""The tables that the report makes for itself, so that every number on the page stands in a CSV."""

import platform
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.audit import CHECKS
from pipeline.checkpoints import package_versions
from pipeline.page.inputs import ReportInputs, params_hash
from pipeline.pseudonyms import Pseudonyms
from pipeline.tables import Column, Contract

GROUPS = ("train", "internal", "external")
GIVEN = ("patient_id", "group_id", "label", "site", "cohort")
MAX_LEVELS = 8  # a text column with more levels is only counted
PACKAGES = (
    *("numpy", "scipy", "pandas", "scikit-learn", "skglm", "xgboost", "lightgbm", "torch", "torchvision"),
    *("SimpleITK", "pyradiomics", "PyWavelets", "scikit-image", "dvc", "jinja2"),
)


def _contract(name: str, key: Sequence[str], columns: Sequence[Column]) -> Contract:
    return Contract(name=name, key=tuple(key), columns=(*(Column(name=k) for k in key), *columns))


def _texts(*names: str) -> list[Column]:
    return [Column(name=name, required=False) for name in names]


def _numbers(*names: str, kind: Any = "number") -> list[Column]:
    return [Column(name=name, kind=kind, required=False) for name in names]


# Each is written to reports/tables/report/<name>.csv.
REPORT_TABLES = {
    "study": _contract("study words", ("item",), _texts("text")),
    "flow": _contract("cohort flow", ("step",), _numbers("n", kind="integer")),
    "baseline": _contract(
        "baseline characteristics",
        ("variable", "level", "cohort"),
        [*_texts("kind"), *_numbers("n", kind="integer"), *_numbers("fraction", "median", "q1", "q3")],
    ),
    "left": _contract("cases left out", ("number",), _texts("scope", "case", "rule", "reason")),
    "failed": _contract("failed images", ("number",), _texts("case", "step", "status", "reason")),
    "warnings": _contract(
        "audit warnings", ("number",), [*_texts("scope", "case", "check", "message"), *_numbers("row", kind="integer")]
    ),
    "notes": _contract("audit notes", ("check",), [*_numbers("n", kind="integer"), *_texts("meaning")]),
    "networks": _contract(
        "networks",
        ("network",),
        [
            *_texts("strategy", "trained_on", "light"),
            *_numbers("n_trained", "min_patients", "max_patients", kind="integer"),
        ],
    ),
    "selection": _contract(
        "feature selection",
        ("feature_set", "block", "feature"),
        [
            *_numbers("n_selected", "n_fits", kind="integer"),
            *_numbers("frequency", kind="fraction"),
            *_numbers("n_final", kind="integer"),
            *_numbers("coefficient"),
            *_numbers("half_samples", kind="fraction"),
        ],
    ),
    "kept": _contract(
        "features kept a fit",
        ("feature_set", "block"),
        [*_numbers("n_fits", "n_empty", kind="integer"), *_numbers("median", "least", "most")],
    ),
    "stability": _contract(
        "stability of the selection",
        ("feature_set", "block", "source", "part"),
        [*_numbers("stability", "ci_low", "ci_high"), *_numbers("n_fits", "n_features", kind="integer")],
    ),
    "provenance": _contract("provenance", ("kind", "name"), _texts("value")),
}


def flow_table(study: ReportInputs, *, role: pd.Series) -> pd.DataFrame:
    """Patients from the source to the cohorts; the sums hold. `role` by patient_id: train, internal or external."""
    left = study.audit[study.audit["check"].str.startswith("dropped_") | (study.audit["check"] == "excluded")]
    steps: dict[str, int] = {}
    for scope in ("patient", "image"):
        for rule, rows in left[left["scope"] == scope].groupby("check"):
            steps[f"{scope}s_{str(rule).removeprefix('dropped_')}"] = rows["id"].nunique()
    label = study.patients.set_index("patient_id")["label"]
    gone = sum(number for step, number in steps.items() if step.startswith("patients_"))
    images = study.cohort["patient_id"].map(role)
    steps |= {"patients_source": len(label) + gone, "patients_left": gone}
    steps |= {"images_left": sum(number for step, number in steps.items() if step.startswith("images_"))}
    steps |= {"patients": len(label), "events": int(label.sum()), "images": len(study.cohort)}
    steps |= {
        "rois": int((study.rois["status"] == "ok").sum()),
        "rois_failed": int((study.rois["status"] != "ok").sum()),
    }
    for name in GROUPS:
        inside = role.index[role == name]
        if len(inside):
            steps |= {f"{name}_patients": len(inside), f"{name}_events": int(label.loc[inside].sum())}
            steps[f"{name}_images"] = int((images == name).sum())
    return pd.DataFrame({"step": list(steps), "n": list(steps.values())})


def baseline_table(patients: pd.DataFrame, *, role: pd.Series) -> pd.DataFrame:
    """Median and quartiles (type 7) of numbers, counts of categories, missing values; by cohort and for all patients.

    Fractions are of the patients that have a value. A numeric column of at most two values is a category.
    """
    groups = {"all": patients}
    groups |= {name: patients[patients["patient_id"].map(role) == name] for name in GROUPS}
    rows: list[dict[str, Any]] = []
    for cohort, inside in groups.items():
        if not len(inside):
            continue
        shared = {"cohort": cohort}
        rows.append(shared | {"variable": "patients", "level": "n", "kind": "count", "n": len(inside)})
        rows += [shared | row for row in _categories("outcome", inside["label"].map({1: "event", 0: "no event"}), None)]
        for name in ("site", *(column for column in patients if column not in GIVEN)):
            if patients[name].notna().any():
                rows += [shared | row for row in _variable(name, inside[name], whole=patients[name])]
    columns = ["variable", "level", "cohort", "kind", "n", "fraction", "median", "q1", "q3"]
    return pd.DataFrame(rows).reindex(columns=columns).astype({"n": "Int64"})


def _variable(name: str, values: pd.Series, *, whole: pd.Series) -> list[dict[str, Any]]:
    missing = {"variable": name, "level": "missing", "kind": "missing", "n": int(values.isna().sum())}
    present = values.dropna()
    if pd.api.types.is_numeric_dtype(whole) and whole.nunique() > 2:
        quartiles = np.quantile(present.astype(float), [0.25, 0.5, 0.75]) if len(present) else [np.nan] * 3
        numbers = dict(zip(("q1", "median", "q3"), map(float, quartiles), strict=True))
        return [{"variable": name, "level": "value", "kind": "number", "n": len(present)} | numbers, missing]
    return [*_categories(name, values, whole), missing]


def _categories(name: str, values: pd.Series, whole: pd.Series | None) -> list[dict[str, Any]]:
    levels = ["event", "no event"] if whole is None else sorted(whole.dropna().map(_level).unique())
    if len(levels) > MAX_LEVELS:
        return [{"variable": name, "level": "different values", "kind": "count", "n": int(values.nunique())}]
    present = values.dropna().map(_level)
    counts = {level: int((present == level).sum()) for level in levels}
    return [
        {
            "variable": name,
            "level": level,
            "kind": "category",
            "n": n,
            "fraction": n / len(present) if len(present) else np.nan,
        }
        for level, n in counts.items()
    ]


def _level(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)


def left_table(audit: pd.DataFrame, *, names: Pseudonyms) -> pd.DataFrame:
    """Every case that left, by rule, with its reason."""
    left = audit[audit["check"].str.startswith("dropped_") | (audit["check"] == "excluded")]
    rows = [
        (row.scope, names.of(row.id), row.check.removeprefix("dropped_"), _masked(row, names))
        for row in left.itertuples()
    ]
    return _numbered(rows, ["scope", "case", "rule", "reason"])


def failed_table(study: ReportInputs, *, names: Pseudonyms) -> pd.DataFrame:
    """Every image without a usable ROI or without radiomics, with the status and the reason."""
    steps = {"region of interest": study.rois, "radiomics": study.extraction}
    rows = [
        (
            names.of(row.image_id),
            step,
            row.status,
            "" if pd.isna(row.reason) else names.mask(row.reason, scope="image", case=row.image_id),
        )
        for step, table in steps.items()
        for row in table[table["status"] != "ok"].itertuples()
    ]
    return _numbered(rows, ["case", "step", "status", "reason"])


def warnings_table(audit: pd.DataFrame, *, names: Pseudonyms) -> pd.DataFrame:
    """Every warning of the audit; `row` = its row in `audit.csv` as a spreadsheet counts, where the ids stand."""
    found = audit[audit["severity"] == "warning"]
    rows = [
        (row.scope, _subject(row, names), row.check, _masked(row, names), row.Index + 2) for row in found.itertuples()
    ]
    return _numbered(rows, ["scope", "case", "check", "message", "row"])


def _subject(row: Any, names: Pseudonyms) -> str:
    return names.of(row.id) if row.scope in ("image", "patient") else "" if pd.isna(row.id) else str(row.id)


def _masked(row: Any, names: Pseudonyms) -> str:
    return names.mask(str(row.message), scope=str(row.scope), case=row.id)


def _numbered(rows: Sequence[tuple[Any, ...]], columns: list[str]) -> pd.DataFrame:
    width = len(str(len(rows)))
    table = pd.DataFrame(rows, columns=columns)
    table.insert(0, "number", [f"{n:0{width}d}" for n in range(1, len(rows) + 1)])
    return table.astype({"number": "str"})


def notes_table(audit: pd.DataFrame) -> pd.DataFrame:
    """How often the audit noted each thing that is no fault, and what it means."""
    counts = audit.loc[audit["severity"] == "info", "check"].value_counts()
    rows = [
        (check, int(n), CHECKS.get(str(check), ""))
        for check, n in counts.items()
        if not str(check).startswith("dropped_")
    ]
    return pd.DataFrame(rows, columns=["check", "n", "meaning"])


def provenance_table(study: ReportInputs) -> pd.DataFrame:
    """Hashes of the tables and of the params files' values, the seed, versions of Python and of the packages."""
    rows: list[tuple[str, str, str]] = [("table", name, value) for name, value in study.hashes.items()]
    rows += [("params", f"{name}.yaml", params_hash(content)) for name, content in study.params.items()]
    rows.append(("run", "seed", str(study.params.get("common", {}).get("seed", ""))))
    rows.append(("package", "Python", platform.python_version()))
    rows += [("package", name, version) for name, version in package_versions(PACKAGES).items()]
    return pd.DataFrame(rows, columns=["kind", "name", "value"])


def study_table(words: Mapping[str, str]) -> pd.DataFrame:
    """The study's words as the params give them; empty ones stay empty."""
    return pd.DataFrame({"item": list(words), "text": list(words.values())})


def roles(splits: pd.DataFrame) -> pd.Series:
    """train, internal or external by patient_id, as resample `final` has it."""
    final = splits[splits["resample"] == "final"]
    return final.set_index("patient_id")["role"]
