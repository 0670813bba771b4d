"""A bundle of clinical columns alone, fitted in a second on patients drawn here: no image, no network."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from places import ROOT

from pipeline.benchmark.classifiers import train_final
from pipeline.benchmark.design_matrices import Design, design_matrices
from pipeline.benchmark.model_files import to_bytes, write_model
from pipeline.benchmark.nested_cv import BenchmarkParams
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.cohort import PATIENTS as PATIENTS_TABLE
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.reduce import REDUCED
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.compare import CHOSEN, METRICS
from pipeline.contracts.reports.selftest import SELFTEST
from pipeline.foundation.fingerprints import package_versions, rooms_hash
from pipeline.foundation.params import load_params, read_yaml
from pipeline.foundation.tables import write_table
from pipeline.predict.bundle import PACKAGES, REFERENCES, ROOMS, About, Background, Bundle, reducer_name
from pipeline.predict.finished_study import FinishedStudy
from pipeline.predict.flags import fit_references
from pipeline.predictions.operating_point import OperatingPoint
from pipeline.reduce.block_reducer import BlockReducer, ReduceParams
from pipeline.reduce.blocks import clinical_block
from pipeline.reduce.reducer_files import to_bytes as reducer_bytes
from pipeline.statistics.prototypes import prototypes

PATIENTS = 60
SEED = 1


def patients() -> pd.DataFrame:
    """Sixty patients: age carries the outcome, sex does not; one age is missing."""
    generator = np.random.default_rng(SEED)
    label = np.arange(PATIENTS) % 2
    age = np.round(50 + 10 * label + generator.normal(0, 8, PATIENTS))
    age[7] = np.nan
    return pd.DataFrame(
        {
            "patient_id": [f"T{number:03d}" for number in range(PATIENTS)],
            "group_id": [f"T{number:03d}" for number in range(PATIENTS)],
            "label": label,
            "site": "A",
            "cohort": None,
            "age": age,
            "sex": generator.choice(["F", "M"], PATIENTS),
        }
    )


def splits() -> pd.DataFrame:
    """Three folds, and `final`, which trains on all but the last ten patients."""
    rows = []
    for number, patient in enumerate(patients()["patient_id"]):
        held = number >= PATIENTS - 10
        rows.append(("final", patient, "internal" if held else "train"))
        rows += [] if held else [(f"cv-1-{f}", patient, "cv" if number % 3 == f else "train") for f in range(3)]
    return pd.DataFrame(rows, columns=["resample", "patient_id", "role"]).assign(half=None)


def _reducer() -> tuple[BlockReducer, pd.DataFrame]:
    params = load_params(ROOT / "params" / "reduce.yaml", ReduceParams)
    block = clinical_block(patients())
    frame = block.frame("final", "all")
    own = splits().query("resample == 'final' and role == 'train'")["patient_id"]
    known = patients().set_index("patient_id").loc[own]
    reducer = BlockReducer(kind="clinical", params=params, indicators=(), seed=SEED)
    return reducer.fit(frame.loc[own], known["label"].to_numpy(), known["group_id"].to_numpy(dtype=np.str_)), frame


def _reduced() -> pd.DataFrame:
    """The reduced table; every resample has the columns of `final`, which is enough here."""
    reducer, frame = _reducer()
    reduced = reducer.transform(frame).add_prefix("clinical.").reset_index()
    return splits()[["resample", "patient_id", "role"]].merge(reduced, on="patient_id").assign(part="all")


def designs() -> list[Design]:
    """The design matrices."""
    return design_matrices(_reduced(), patients(), splits())


def small_bundle(**changes: Any) -> Bundle:
    """The bundle; `changes` replace entries of its `about`."""
    final = next(design for design in designs() if design.resample == "final")
    params = load_params(ROOT / "params" / "benchmark.yaml", BenchmarkParams)
    model = train_final("lr", final.X, final.y, value=1.0, params=params, seed=SEED, folds=[])
    suffix, content = to_bytes(model)
    card = {"file": f"all{suffix}", "features": list(final.features), "n": len(final.y), "events": int(final.y.sum())}
    found = prototypes(final.X, seed=SEED)
    about = About.model_validate(
        {
            "format": 1,
            "feature_set": "clinical",
            "blocks": ["clinical"],
            "classifier": "lr",
            "chosen_by": "cross-validation",
            "parts": ["all"],
            "views": ["long", "trans"],
            "clinical": {"age": "number", "sex": "text"},
            "whole_images": False,
            "outlines": True,
            "form": None,
            "seed": SEED,
            "orders": 5,
            "point": {"intercept": 0.1, "slope": 0.8, "threshold": 0.5},
            "recalibrations": [[0.0, 0.8], [0.2, 0.8]],
            "backgrounds": {"all": Background(centres=found.centres.tolist(), counts=found.counts.tolist())},
            "weight_ratios": {},
            "settings": settings(),
            "facts": facts(),
            "versions": package_versions(PACKAGES),
            "code": rooms_hash(*ROOMS),
        }
    )
    about = About.model_validate(about.model_dump(mode="json") | changes)
    references = fit_references(
        designs(),
        blocks=[clinical_block(patients())],
        splits=splits(),
        patients=patients(),
        facts=None,
        clinical=patients().set_index("patient_id")[["age", "sex"]],
        seed=SEED,
    )
    files = {
        "bundle.json": json.dumps(about.model_dump(mode="json")).encode(),
        REFERENCES: references.to_json().encode(),
        reducer_name("clinical", "all"): reducer_bytes(_reducer()[0]),
        "models/all.card.json": json.dumps(card).encode(),
        f"models/all{suffix}": content,
    }
    return Bundle(about=about, files=files, sha256="0" * 64, place="small.zip")


def settings() -> dict[str, Any]:
    """The shipped params."""
    cohort = read_yaml(ROOT / "params" / "cohort.yaml")
    sections = {name: cohort[name] for name in ("masks", "voxels", "tables")}
    return sections | {name: read_yaml(ROOT / "params" / f"{name}.yaml") for name in ("crop", "radiomics", "embed")}


def facts() -> dict[str, Any]:
    """What the card prints."""
    return {
        "patients": {"train": {"n": 50, "events": 25}, "internal": {"n": 10, "events": 5}},
        "training_images": {},
        "training_sites": {"A": 50},
        "training_clinical": {
            "age": {"median": 55.0, "quartiles": [48.0, 62.0], "missing": 1},
            "sex": {"counts": {"F": 26, "M": "fewer than 5"}, "missing": 0},
        },
        "predicted_masks": 0,
        "compared_patients": 10,
        "evaluation": {"internal": {"auc": [0.8, 0.7, 0.9], "brier": [0.2, None, None]}},
        "lights": {"green": 15},
    }


def without(bundle: Bundle, name: str) -> Bundle:
    """The bundle without one of its files."""
    return replace(bundle, files={key: value for key, value in bundle.files.items() if key != name})


POINT = {"intercept": 0.1, "slope": 0.8, "threshold": 0.5}


def write_study(folder: Path, *, classifier: str = "lr") -> FinishedStudy:
    """The same patients as a finished study on disk, its one set `clinical` with one classifier."""
    bundle, found = (
        small_bundle(),
        FinishedStudy(params=folder / "params", data=folder / "data", tables=folder / "reports" / "tables"),
    )
    shutil.copytree(ROOT / "params", found.params)
    (found.params / "fusion.yaml").write_text("sets: {clinical: [clinical]}\nmatch_parts: true\n", encoding="utf-8")
    write_table(patients(), found.data / "patients.csv", PATIENTS_TABLE)
    write_table(splits(), found.data / "splits.csv", SPLITS)
    write_table(COHORT.empty(), found.data / "cohort.csv", COHORT)
    write_table(ROIS.empty(), found.data / "rois.csv", ROIS)
    (found.data / "settings").mkdir()
    (found.data / "settings" / "radiomics.json").write_text('{"used": false, "outlines": true}', encoding="utf-8")
    write_table(_reduced(), found.data / "reduced" / "clinical.csv", REDUCED)
    (found.data / "reducers" / "clinical").mkdir(parents=True)
    kept = found.data / "reducers" / "clinical" / "clinical_all.safetensors"
    kept.write_bytes(bundle.files[reducer_name("clinical", "all")])
    card = json.loads(bundle.files["models/all.card.json"]) | {"operating_point": POINT}
    name, content = f"{classifier}_all", bundle.files["models/all.skops"]
    models = found.data / "models" / "clinical"
    write_model(
        models, name=name, suffix=".skops", content=content, card={k: v for k, v in card.items() if k != "file"}
    )
    write_table(_predictions(bundle, classifier), found.data / "predictions" / "clinical.csv", PREDICTIONS)
    row = ("clinical", classifier, "classifier", 0.8, 0.1, 3, 1, None, None)
    write_table(pd.DataFrame([row], columns=CHOSEN.names), found.tables / "chosen.csv", CHOSEN)
    auc = ("clinical", classifier, "internal", "auc", 0.8, 0.7, 0.9, "DeLong", 5, 5, "0" * 64)
    write_table(pd.DataFrame([auc], columns=METRICS.names), found.tables / "metrics.csv", METRICS)
    light = ("sham_labels", "green", "Shuffled outcomes are predicted at chance level", 0.5, 0.6, "Rule.", "Finding.")
    write_table(pd.DataFrame([light], columns=SELFTEST.names), found.tables / "selftest.csv", SELFTEST)
    return found


def _predictions(bundle: Bundle, classifier: str) -> pd.DataFrame:
    """The frozen scores of the internal patients, and out-of-fold scores."""
    reduced = _reduced()
    tested = splits()[splits()["role"] != "train"].merge(reduced, on=["resample", "patient_id", "role"])
    raw = bundle.model("all").score(tested)
    held_out = tested["role"] == "cv"
    return pd.DataFrame(
        {
            "feature_set": "clinical",
            "model": classifier,
            "resample": tested["resample"],
            "patient_id": tested["patient_id"],
            "evaluation": tested["role"],
            "label": patients().set_index("patient_id")["label"].loc[tested["patient_id"]].to_numpy(),
            "score": np.where(held_out, raw, OperatingPoint(**POINT).recalibrate(raw)),
            "threshold": np.where(held_out, np.nan, 0.5),
        }
    )
