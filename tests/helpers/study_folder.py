"""The small study as a folder: every table, card and params file that `compare` and `report` read."""

import json
import shutil
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from places import ROOT
from ruamel.yaml import YAML
from study import NETS, STRENGTH, study_patients, study_predictions, study_splits
from study_checks import write_checks, write_near, write_reductions

from pipeline.compare.added_value import added_value_table
from pipeline.compare.calibration import calibration_curve_table, calibration_table
from pipeline.compare.chosen import choose, fold_table
from pipeline.compare.curves import curve_table
from pipeline.compare.decision_curves import decision_curve_table
from pipeline.compare.delong import delong_table, omnibus_table
from pipeline.compare.mcnemar import mcnemar_table
from pipeline.compare.metrics import metric_table
from pipeline.compare.transport import transport_table
from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.cohort import AUDIT, COHORT, PATIENTS
from pipeline.contracts.data.crop import ROIS
from pipeline.contracts.data.radiomics import DICTIONARY
from pipeline.contracts.data.reduce import LASSO, SELECTED
from pipeline.contracts.data.split import SPLITS
from pipeline.contracts.reports.compare import TABLES
from pipeline.foundation.params import read_yaml
from pipeline.foundation.tables import write_csv, write_table
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import model_scores

SINGLE = ("cohort", "patients", "audit", "rois", "splits", "dictionary", "agreement")
FOLDERS = (
    *("features", "selected", "lasso", "half_samples", "lasso_paths", "reduced"),
    *("predictions", "networks", "models"),
)
SITES = {"train": "A", "internal": "B", "external": "C"}
SHAPE, TEXTURE, DEEP = "original_shape2D_Sphericity@long", "wavelet-LH_glcm_Contrast", "densenet121_pc001@long"
BLOCKS = {
    "clinical": ["clinical"],
    "radiomics": ["radiomics"],
    "densenet121": ["densenet121"],
    "combined": ["clinical", "radiomics", "densenet121"],
}
PRIMARY = {"feature_set": "combined", "comparator": "clinical", "evaluation": "external"}


def cohort() -> pd.DataFrame:
    """Two images per patient, with ids as in file names."""
    rows = [
        {
            "image_id": f"{p}_{view}",
            "patient_id": p,
            "view": view,
            "image": f"{p}_{view}.nrrd",
            "mask": f"{p}_{view}.nrrd",
        }
        for p in study_patients()["patient_id"]
        for view in ("long", "trans")
    ]
    empty = dict.fromkeys(["site", "gland_mask", "mask_source", *(f"spacing_{axis}_mm" for axis in "xyz")])
    return pd.DataFrame(rows).assign(**empty)


def patients() -> pd.DataFrame:
    """The patients with clinical columns: a number with missing values, a category, a binary variable."""
    table = study_patients()
    number = np.arange(len(table))
    sex = np.where(number % 3 == 0, "male", "female")
    table = table.assign(group_id=table["patient_id"], site=table["cohort"].map(SITES), sex=sex)
    table["age"] = 30.0 + number % 40
    table["size_mm"] = np.where(number % 10 == 0, np.nan, 8 + number % 12 / 2)
    return table.assign(multifocality=number % 2)


AUDIT_CSV = """\
patient,0900,dropped_unlabelled,info,patient 0900 has no label (row 4); excluded
image,0003_extra,excluded,info,image 0003_extra is named under exclude (calliper marks over the nodule); excluded
image,0004_long,duplicate_within_patient,warning,"image 0004_long: 0004_long, 0004_trans of patient 0004 are one"
image,0005_long,roi_few_grey_levels,warning,"image 0005_long: the mask 0005_long.png has 7 grey levels, fewer than 8"
column,size_mm,column_separates_outcome,warning,column size_mm separates outcomes of 117 patients; was it <recorded>?
cohort,images,spacing_unknown,info,260 of 260 images have no pixel size; the spacing is 1 px
"""


def rois() -> pd.DataFrame:
    """One ROI per image; one could not be cropped."""
    columns = ROIS.names
    table = cohort()[["image_id", "patient_id", "view", "image", "mask"]].assign(status="ok", reason=None, n_voxels=500)
    table.loc[7, ["status", "reason", "n_voxels"]] = ["no_roi", "the mask 0004_trans.png marks no voxel", None]
    return table.reindex(columns=columns)


def selection(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """selected and lasso of a set: the shape feature in every fit, the texture in half of them, nothing in one fit."""
    blocks = {"radiomics": [SHAPE, TEXTURE], "densenet121": [DEEP]}
    chosen, paths = [], []
    for fit, resample in enumerate(sorted(set(study_splits()["resample"]))):
        for part in "ab":
            for block in (block for block in BLOCKS[name] if block in blocks):
                kept = [] if (fit, part) == (0, "a") else blocks[block][: 1 + fit % 2]
                values = {"(intercept)": -0.8} | (dict(zip(kept, [0.5, -0.4], strict=False)) or {"(none)": 0.0})
                chosen += [(resample, part, block, "1se", feature, value) for feature, value in values.items()]
                paths += [(resample, part, block, 1, 0.1, 1.2, 0.1, len(kept))] if kept else []
    selected = pd.DataFrame(chosen, columns=SELECTED.names)
    return selected, pd.DataFrame(paths, columns=LASSO.names)


def dictionary() -> pd.DataFrame:
    """The definitions of the two radiomics features."""
    shared = {"block": "radiomics", "family": "texture", "source": "PyRadiomics", "version": "3.0.1"}
    shared |= {"ibsi": "not covered"}
    meanings = {SHAPE.partition("@")[0]: "how round the lesion is", TEXTURE: "local contrast, of the wavelet image LH"}
    return pd.DataFrame([shared | {"feature": name, "definition": text} for name, text in meanings.items()]).reindex(
        columns=DICTIONARY.names
    )


def write_params(folder: Path, *, strategy: str = "crossfit") -> None:
    """The shipped params files, with the sets, networks and rule of the small study."""
    shutil.copytree(ROOT / "params", folder, dirs_exist_ok=True)
    changed = {
        "common": {"seed": 7},
        "reduce": {"lasso": {"rule": "1se"}},
        "embed": {"nets": list(NETS), "strategy": strategy},
        "fusion": {"sets": BLOCKS},
    }
    yaml = YAML()
    for name, values in changed.items():
        path = folder / f"{name}.yaml"
        content = yaml.load(path.read_text(encoding="utf-8"))
        for key, value in values.items():
            content[key] = {**content[key], **value} if key == "lasso" else value
        with path.open("w", encoding="utf-8") as stream:
            yaml.dump(content, stream)


def write_cards(folder: Path, *, strategy: str = "crossfit", trained_on: str | None = None) -> None:
    """One card per trained copy of the network, as written by the embed stage."""
    for part in "ab":
        card = {"network": NETS[0], "resample": "final", "part": part, "strategy": strategy, "trained_on": trained_on}
        path = folder / NETS[0] / f"final_{part}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(card | {"n_patients": 30}), encoding="utf-8")


def compare_params(*, primary: dict[str, str] | None = PRIMARY) -> CompareParams:
    """The shipped params of the compare stage, with few bootstrap samples and the given primary comparison."""
    shipped = read_yaml(ROOT / "params" / "compare.yaml")
    changed = {"primary": primary, "all_pairs": False, "bootstrap": {"replicates": 200, "seed": 1}, "prevalence": 0.2}
    return CompareParams.model_validate(shipped | changed)


def write_compare_params(folder: Path) -> Path:
    """The shipped `compare.yaml` with a tenth of its bootstrap samples."""
    shipped = (ROOT / "params" / "compare.yaml").read_text(encoding="utf-8")
    assert "replicates: 1000" in shipped
    path = folder / "compare.yaml"
    path.write_text(shipped.replace("replicates: 1000", "replicates: 100"), encoding="utf-8")
    return path


def write_results(predictions: pd.DataFrame, folder: Path, *, primary: dict[str, str] | None = PRIMARY) -> None:
    """The tables of the stages compare, consistency, selftest and explain."""
    models = model_scores(predictions, place="p.csv")
    params = compare_params(primary=primary)
    folds = fold_table(predictions)
    chosen = choose(folds, models, primary=params.primary)
    write_table(metric_table(models, folds=folds, params=params), folder / "metrics.csv", TABLES["metrics"])
    write_table(folds, folder / "folds.csv", TABLES["folds"])
    write_table(chosen, folder / "chosen.csv", TABLES["chosen"])
    tables = {"omnibus": omnibus_table, "delong": delong_table, "mcnemar": mcnemar_table}
    tables |= {"calibration": calibration_table, "calibration_curves": calibration_curve_table}
    tables |= {"decision_curves": decision_curve_table, "added_value": added_value_table}
    for name, made in tables.items():
        table = made(models, chosen=chosen, params=params)
        write_table(table, folder / f"{name}.csv", TABLES[name])
    write_table(transport_table(models, chosen=chosen), folder / "transport.csv", TABLES["transport"])
    write_table(curve_table(models, chosen=chosen), folder / "curves.csv", TABLES["curves"])
    write_checks(folder, pictures=folder.parent / "figures" / "explain")


def write_study(folder: Path) -> dict[str, Path]:
    """Write everything into `folder`; returns the paths by the names of the report stage's flags."""
    data, tables = folder / "data", folder / "reports" / "tables"
    audit = pd.read_csv(StringIO(AUDIT_CSV), names=["scope", "id", "check", "severity", "message"], dtype="str")
    write_table(cohort(), data / "cohort.csv", COHORT)
    write_table(patients(), data / "patients.csv", PATIENTS)
    write_table(audit, data / "audit.csv", AUDIT)
    write_table(rois(), data / "rois.csv", ROIS)
    write_table(study_splits(), data / "splits.csv", SPLITS)
    write_table(dictionary(), data / "dictionary.csv", DICTIONARY)
    features = cohort()[["image_id"]].assign(status="ok", reason=None, **{SHAPE: 0.5, TEXTURE: 1.5})
    features.loc[9, ["status", "reason", SHAPE, TEXTURE]] = ["extraction_failed", "one grey level", None, None]
    write_csv(features, data / "features" / "radiomics.csv")
    predictions = study_predictions()
    for name, table in predictions.items():
        write_table(table, data / "predictions" / f"{name}.csv", PREDICTIONS)
    for name in STRENGTH:
        selected, lasso = selection(name)
        write_table(selected, data / "selected" / f"{name}.csv", SELECTED)
        write_table(lasso, data / "lasso" / f"{name}.csv", LASSO)
    write_results(pd.concat(predictions.values(), ignore_index=True), tables)
    write_reductions(data, blocks=BLOCKS, shape=SHAPE, texture=TEXTURE)
    write_params(folder / "params")
    write_cards(data / "networks")
    write_near(data / "near_duplicates")
    paths = {name: data / f"{name}.csv" for name in SINGLE}
    paths |= {name: data / name for name in FOLDERS}
    paths["near"] = data / "near_duplicates"
    paths |= {name: data / name for name in ("images", "masks", "segment", "habitat")} | {"crops": data / "rois"}
    paths |= {"all_params": folder / "params", "tables": tables, "pictures": folder / "reports" / "figures" / "explain"}
    return paths | {"report_tables": tables / "report", "report": folder / "reports" / "report.html"}
