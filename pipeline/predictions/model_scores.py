"""One model on one group of patients, one score per patient: the unit from which every metric and test is computed."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.foundation.errors import TableError, listed

MODEL_KEY = ["feature_set", "model", "evaluation"]


def id_hash(ids: Iterable[str]) -> str:
    """SHA-256 of the sorted ids, one per line: equal only for the same patients."""
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()


def is_head(feature_set: str, model: str) -> bool:
    """Whether a model is the head probability of the network that its feature set is named after, or of one view.

    The head probability is the output of the network's classification head.
    """
    head = f"{feature_set}_head"
    return model == head or model.startswith(f"{head}_")


@dataclass(frozen=True, kw_only=True)
class ModelScores:
    """Scores, shape (n,), of one model in one evaluation, sorted by patient; labels bool, shape (n,).

    In evaluation `cv` the score is the out-of-fold score averaged over repeats, and there is no threshold.
    """

    feature_set: str
    model: str
    evaluation: str
    ids: tuple[str, ...]
    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    threshold: float | None

    @property
    def n_pos(self) -> int:
        """Patients with the event."""
        return int(self.labels.sum())

    @property
    def n_neg(self) -> int:
        """Patients without the event."""
        return int((~self.labels).sum())

    @property
    def both_classes(self) -> bool:
        """Whether an AUC is defined."""
        return self.n_pos > 0 and self.n_neg > 0

    def right(self) -> NDArray[np.bool_]:
        """Whether each patient's call at the threshold is correct, shape (n,); positive = score ≥ threshold.

        Raises ValueError if the model has no threshold.
        """
        if self.threshold is None:
            raise ValueError(f"{self.feature_set}/{self.model} has no threshold in evaluation {self.evaluation}")
        return (self.scores >= self.threshold) == self.labels


def model_scores(predictions: pd.DataFrame, *, place: str) -> list[ModelScores]:
    """Every model in every evaluation of a predictions table, sorted by feature set, model and evaluation.

    Raises TableError listing every patient with two labels, every patient who is both in the cross-validation and
    in a test evaluation or is scored twice in one, and every model with two thresholds in one evaluation, or with a
    threshold for only some of its patients; `place` names the table in the message.
    """
    faults = _faults(predictions)
    if faults:
        raise TableError(listed(faults, heading=f"{place}: the predictions contradict each other"))
    # Sorted, so that the row order cannot change the last digit of a mean.
    ordered = predictions.sort_values([*MODEL_KEY, "patient_id", "resample"], kind="stable")
    found = []
    for (feature_set, model, evaluation), rows in ordered.groupby(MODEL_KEY, sort=True):
        patients = rows.groupby("patient_id", sort=True).agg({"score": "mean", "label": "first"})
        thresholds = rows["threshold"].dropna()
        scores = ModelScores(
            feature_set=str(feature_set),
            model=str(model),
            evaluation=str(evaluation),
            ids=tuple(patients.index.astype(str)),
            labels=patients["label"].to_numpy(dtype=np.float64) == 1.0,
            scores=patients["score"].to_numpy(dtype=np.float64),
            threshold=float(thresholds.iloc[0]) if len(thresholds) and evaluation != "cv" else None,
        )
        found.append(scores)
    return found


def _faults(predictions: pd.DataFrame) -> list[str]:
    labels = predictions.groupby("patient_id")["label"].nunique()
    faults = [f"patient {patient} has the label 0 in one row and 1 in another" for patient in labels.index[labels > 1]]
    test = predictions[predictions["evaluation"] != "cv"]
    faults += _training_faults(predictions)
    thresholds = test.groupby(MODEL_KEY)["threshold"].agg(["nunique", "count", "size"])
    for (feature_set, model, evaluation), number, given, rows in thresholds.itertuples():
        has = f"model {model} on set {feature_set} has"
        if number > 1:
            faults.append(f"{has} {number} thresholds in evaluation {evaluation}")
        elif 0 < given < rows:
            faults.append(f"{has} a threshold in {given} of its {rows} rows of evaluation {evaluation}; all or none")
    twice = test.loc[test.duplicated([*MODEL_KEY, "patient_id"]), [*MODEL_KEY, "patient_id"]].drop_duplicates()
    faults += [
        f"patient {row.patient_id} is scored twice by model {row.model} on set {row.feature_set} in {row.evaluation}"
        for row in twice.itertuples(index=False)
    ]
    return faults


def _training_faults(predictions: pd.DataFrame) -> list[str]:
    """Test patients that are also in the cross-validation, whose patients the tested model was trained on."""
    cv = predictions["evaluation"] == "cv"
    both = sorted(set(predictions.loc[cv, "patient_id"]) & set(predictions.loc[~cv, "patient_id"]))
    if not both:
        return []
    return [
        f"a test patient ({len(both)} of them, first {both[0]}) is in evaluation cv as well; "
        "the model was trained on the patients of the cross-validation, so they cannot test it"
    ]


def check_same_patients(group: Sequence[ModelScores]) -> None:
    """Refuse a paired comparison of models that were not scored on the same patients.

    Raises TableError listing every model whose patients differ from those of the first.
    """
    first = group[0]
    own = id_hash(first.ids)
    faults = []
    for other in group[1:]:
        if id_hash(other.ids) != own:
            apart = sorted(set(first.ids) ^ set(other.ids))
            faults.append(
                f"{first.feature_set}/{first.model} has {len(first.ids)} patients, {other.feature_set}/{other.model} "
                f"has {len(other.ids)}; {len(apart)} are in one of them only, such as {apart[0]}"
            )
    if faults:
        heading = f"evaluation {first.evaluation}: a paired test needs the same patients in every model"
        raise TableError(listed(faults, heading=heading))


def tested(models: Sequence[ModelScores]) -> list[ModelScores]:
    """The models in a test evaluation with patients of both classes: those whose probabilities can be evaluated."""
    return [model for model in models if model.evaluation != "cv" and model.both_classes]


def picked(models: Sequence[ModelScores], *, chosen: pd.DataFrame) -> list[ModelScores]:
    """The chosen models among `tested`."""
    keys = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    return [model for model in tested(models) if (model.feature_set, model.model) in keys]
