"""The card of a bundle: what the model is, who it was trained on, how it was evaluated, what it is not for."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.contracts.data.benchmark import EVALUATIONS
from pipeline.contracts.data.split import FINAL
from pipeline.predict.bundle import About
from pipeline.predict.finished_study import FinishedStudy

INTENDED_USE = (
    "For research only; not a medical device and not for decisions about patients. The probability holds for patients "
    "like those of the study below, with images and masks made in the same way; every prediction comes with flags that "
    "say in what a patient differs from them."
)
SHOWN = ("auc", "sensitivity", "specificity", "brier")
MIN_COUNT = 5  # a smaller count of patients is printed as "fewer than 5"


def study_facts(study: FinishedStudy, *, feature_set: str, model: str) -> dict[str, Any]:
    """Numbers of the study behind a bundle: patients by cohort, images, sites, clinical columns, evaluation, lights.

    Counts below MIN_COUNT are given as text. Raises PipelineError as the readers of the tables do.
    """
    final = study.splits[study.splits["resample"] == FINAL].set_index("patient_id")["role"]
    about = study.patients.set_index("patient_id").loc[final.index]
    training = about[final == "train"]
    used = study.cohort[study.cohort["patient_id"].isin(training.index)]
    return {
        "patients": {
            role: {"n": int((final == role).sum()), "events": int(about.loc[final == role, "label"].sum())}
            for role in final.drop_duplicates().sort_values()
        },
        "training_images": {str(view): _count(n) for view, n in used["view"].value_counts().sort_index().items()},
        "training_sites": {str(site): _count(n) for site, n in training["site"].value_counts().sort_index().items()},
        "training_clinical": {str(name): _summary(study.clinical.loc[training.index, name]) for name in study.clinical},
        "compared_patients": _compared(study, feature_set=feature_set, model=model),
        "predicted_masks": int((study.rois.get("mask_source", pd.Series(dtype="str")) == "predicted").sum()),
        "evaluation": _evaluation(study, feature_set=feature_set, model=model),
        "lights": {str(light): int(n) for light, n in study.lights["light"].value_counts().sort_index().items()},
    }


def _compared(study: FinishedStudy, *, feature_set: str, model: str) -> int:
    """The held-out patients whose scores the bundle must give again before it is written."""
    rows = study.predictions(feature_set, model=model)
    return int((rows["evaluation"] != "cv").sum())


def _count(n: int) -> int | str:
    return int(n) if n >= MIN_COUNT else f"fewer than {MIN_COUNT}"


def _summary(values: pd.Series) -> dict[str, Any]:
    """Median and quartiles of numbers, counts of categories; and how many values are missing."""
    given = values.dropna()
    lacking = int(values.isna().sum())
    missing = {"missing": _count(lacking) if lacking else 0}
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values) and given.nunique() > 2:
        low, middle, high = (float(given.quantile(q)) for q in (0.25, 0.5, 0.75))
        return {"median": middle, "quartiles": [low, high]} | missing
    return {
        "counts": {str(level): _count(n) for level, n in given.astype("str").value_counts().sort_index().items()}
    } | (missing)


def _evaluation(study: FinishedStudy, *, feature_set: str, model: str) -> dict[str, dict[str, list[float | None]]]:
    """By evaluation and metric: estimate and 95 % interval."""
    table = study.metrics
    own = table[(table["feature_set"] == feature_set) & (table["model"] == model) & table["metric"].isin(SHOWN)]
    found: dict[str, dict[str, list[float | None]]] = {}
    for row in own.itertuples(index=False):
        numbers = [None if pd.isna(value) else float(value) for value in (row.estimate, row.ci_low, row.ci_high)]
        found.setdefault(str(row.evaluation), {})[str(row.metric)] = numbers
    return found


def card_text(about: About) -> str:
    """The card as Markdown."""
    facts, fits = about.facts, len(about.parts)
    fitted = "one fit" if fits == 1 else f"mean of {fits} fits on halves of the training patients"
    lines = [
        f"# Model card: feature set {about.feature_set}",
        "",
        f"**Intended use.** {INTENDED_USE}",
        "",
        f"**Model.** Blocks: {', '.join(about.blocks)}. Classifier: {about.classifier}, chosen by {about.chosen_by}, "
        f"{fitted}.",
        f"Threshold {about.point.threshold:.4f} on the recalibrated probability, learned from out-of-fold scores of "
        "the training patients and frozen.",
        "",
        "## Patients",
        "",
        "| cohort | patients | with the event |",
        "|---|---|---|",
        *(f"| {role} | {row.n} | {row.events} |" for role, row in facts.patients.items()),
        "",
        f"Training images by view: {_listed(facts.training_images)}. "
        f"Training patients by site: {_listed(facts.training_sites) or 'not given'}. "
        f"Images of all patients with a predicted mask: {facts.predicted_masks}.",
        "",
        *(f"- {name}: {_clinical_words(row)}" for name, row in facts.training_clinical.items()),
        "",
        "## Evaluation (95 % interval)",
        "",
        *_evaluation_lines(facts.evaluation),
        "",
        f"Self-tests of the study: {_listed(facts.lights)}. The fitted steps give the study's scores of "
        f"{facts.compared_patients} held-out patients from their features.",
        "",
        "## What the bundle holds",
        "",
        "Settings, medians, means, loadings, weights, trees or coefficients, and for the flags ranges, shares, "
        "covariances and prototypes (means of five or more patients). "
        + (
            f"**The file of a {about.classifier} holds reduced rows of training patients, without ids.**"
            if about.classifier in ("knn", "svm")
            else "No row of a patient; a median, an end of a range or a rare category may be one patient's value in "
            "one column."
        ),
        "Versions: " + ", ".join(f"{name} {version}" for name, version in about.versions.items()) + ".",
        "",
    ]
    return "\n".join(lines)


def _listed(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def _clinical_words(row: dict[str, Any]) -> str:
    words = _listed(row["counts"]) if "counts" in row else f"median {row['median']:g} ({row['quartiles'][0]:g} to "
    words = words if "counts" in row else f"{words}{row['quartiles'][1]:g})"
    return f"{words}; missing {row['missing']}"


def _evaluation_lines(evaluation: Mapping[str, Mapping[str, Sequence[float | None]]]) -> list[str]:
    lines = []
    for name in [name for name in EVALUATIONS if name in evaluation]:
        own = evaluation[name]
        words = [f"{metric} {_interval(own[metric])}" for metric in SHOWN if metric in own]
        note = " (optimistic: classifiers were compared by it)" if name == "cv" else ""
        lines.append(f"- {name}: {', '.join(words)}{note}")
    return lines


def _interval(numbers: Sequence[float | None]) -> str:
    estimate, low, high = (None if value is None else f"{value:.3f}" for value in numbers)
    return f"{estimate} ({low} to {high})" if low is not None else f"{estimate}"
