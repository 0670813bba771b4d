"""A small simulated study: predictions with known structure, as the stages before `compare` would write them."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.foundation.tables import write_table
from pipeline.predictions.operating_point import freeze

# By how much the events of a set exceed the non-events, in SD of the score.
STRENGTH = {"clinical": 0.8, "radiomics": 1.4, "densenet121": 1.0, "combined": 2.2}
MODELS = {"lr": 1.0, "rf": 0.8, "knn": 0.4}
NETS = ("densenet121",)
SIZES = {"train": (18, 42), "internal": (9, 21), "external": (12, 28)}  # events, non-events
FOLDS, REPEATS = 3, 2


def study_patients() -> pd.DataFrame:
    """patient_id, label and cohort of 130 patients, with ids that would lose a zero if read as numbers."""
    rows = []
    for cohort, (events, non_events) in SIZES.items():
        rows += [(f"{len(rows) + i + 1:04d}", int(i < events), cohort) for i in range(events + non_events)]
    return pd.DataFrame(rows, columns=["patient_id", "label", "cohort"])


def study_splits() -> pd.DataFrame:
    """Resamples cv-1-1 … cv-2-3 and final, as the split stage writes them."""
    patients = study_patients()
    train = patients[patients["cohort"] == "train"].reset_index(drop=True)
    rows = [
        (f"cv-{repeat + 1}-{fold + 1}", patient, "cv" if (i + repeat * (i // 3)) % FOLDS == fold else "train", None)
        for repeat in range(REPEATS)
        for fold in range(FOLDS)
        for i, patient in enumerate(train["patient_id"])
    ]
    final = patients.assign(resample="final", half=None)[["resample", "patient_id", "cohort", "half"]]
    splits = pd.DataFrame(rows, columns=["resample", "patient_id", "role", "half"])
    splits = pd.concat([splits, final.set_axis(splits.columns, axis=1).astype(splits.dtypes)], ignore_index=True)
    half = splits.groupby("resample").cumcount().mod(2).map({0: "a", 1: "b"})
    splits["half"] = half.where(splits["role"] == "train")
    return splits


def study_predictions(seed: int = 1) -> dict[str, pd.DataFrame]:
    """The predictions table of every set and head by its file name, with recalibrated test scores and thresholds."""
    rng = np.random.default_rng(seed)
    labels = study_patients().set_index("patient_id")["label"]
    tested = study_splits().query("role != 'train'").rename(columns={"role": "evaluation"}).drop(columns="half")
    tested["label"] = labels.loc[tested["patient_id"]].to_numpy()
    own = {patient: rng.normal() for patient in labels.index}  # the signal of a patient that all models share
    shared = tested["patient_id"].map(own).to_numpy()
    names = [(name, name, model) for name in STRENGTH for model in MODELS]
    names += [(f"{net}_head", net, f"{net}_head") for net in NETS]
    tables: dict[str, list[pd.DataFrame]] = {}
    for file, feature_set, model in names:
        strength = STRENGTH[feature_set] * MODELS.get(model, 0.7)
        raw = strength * (tested["label"] - 0.5) + 0.7 * shared + 0.7 * rng.normal(size=len(tested))
        rows = tested.assign(feature_set=feature_set, model=model, score=expit(raw))
        tables.setdefault(file, []).append(freeze(rows))
    return {file: pd.concat(parts, ignore_index=True) for file, parts in tables.items()}


def write_predictions(folder: Path) -> None:
    """The predictions as a folder, with the params files that list its tables, and one table that neither lists."""
    for name, table in study_predictions().items():
        write_table(table, folder / f"{name}.csv", PREDICTIONS)
    (folder / "old.csv").write_text("left over from a set that is no longer named\n", encoding="utf-8")
    sets = "\n".join(f"  {name}: [clinical]" for name in STRENGTH)
    (folder / "fusion.yaml").write_text(f"sets:\n{sets}\n", encoding="utf-8")
    (folder / "embed.yaml").write_text(f"nets: [{', '.join(NETS)}]\n", encoding="utf-8")
