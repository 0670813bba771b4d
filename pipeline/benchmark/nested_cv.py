"""Tune, fit and score every classifier on one feature set, for each resample and part.

Tuning uses the training rows of its own resample and part only. Their columns were selected on all of these rows, so
the inner AUC is optimistic: it selects a hyperparameter and is not a result.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from pipeline.benchmark.classifiers import (
    TUNED,
    ClassifierParams,
    Folds,
    ModelName,
    Value,
    grid,
    prevalence,
    scores,
    train,
    train_final,
)
from pipeline.benchmark.design_matrices import Design, design_matrices, inner_folds
from pipeline.benchmark.model_files import to_bytes
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.checkpoints import CheckpointStore
from pipeline.foundation.fingerprints import fingerprint, package_versions
from pipeline.foundation.parallel import map_cases
from pipeline.predictions.operating_point import OperatingPoint

PACKAGES = ("numpy", "scipy", "scikit-learn", "xgboost", "lightgbm", "skops")
TIE = 1e-9  # inner AUCs that differ by less are equal; the simpler value wins


class BenchmarkParams(ClassifierParams):
    """`params/benchmark.yaml`."""

    classifiers: tuple[ModelName, ...]
    inner_folds: int = Field(ge=2, le=20)

    @field_validator("classifiers")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or len(set(names)) < len(names):
            raise ValueError("must name one classifier or more, each once")
        return names


@dataclass(frozen=True, kw_only=True)
class Case:
    """One classifier on one design."""

    design: Design
    model: ModelName

    @property
    def name(self) -> str:
        """The name of the case, unique within its feature set."""
        return f"{self.design.resample}/{self.design.part}/{self.model}"


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The result of a case: raw scores of its test patients, tuned value, mean inner AUC of each value tried.

    `value` is None if no feature was selected, and the model scores the prevalence. For resample `final` the model is
    included: `content` is its file in base64, `suffix` the file's kind.
    """

    scores: list[float]
    value: Value | None
    inner_auc: dict[str, float]
    suffix: str | None = None
    content: str | None = None


def case_seed(seed: int, *names: str) -> int:
    """A seed below 2³¹ that depends on the common seed and the names alone."""
    return int(fingerprint(seed, *names)[:8], 16) % 2**31


def benchmark_cases(designs: Sequence[Design], *, params: BenchmarkParams) -> list[Case]:
    """Every classifier on every design, those of resample `final` first.

    The models of `final` are saved, and the library for that takes memory: joblib takes a worker process that imports
    it late for one that leaks memory, and replaces it.
    """
    ordered = sorted(designs, key=lambda design: design.resample != FINAL)
    return [Case(design=design, model=model) for design in ordered for model in params.classifiers]


def tune(case: Case, *, params: BenchmarkParams, seed: int, folds: Folds) -> tuple[Value, dict[str, float]]:
    """The value with the highest mean AUC over the inner folds, and that mean for every value tried.

    Ties go to the first value, which is the simplest. A grid of one value is not evaluated.
    """
    from sklearn.metrics import roc_auc_score

    X, y = case.design.X, case.design.y
    values = grid(case.model, params=params, rows=min(len(fitted) for fitted, _ in folds))
    if len(values) == 1:
        return values[0], {}
    light = params.model_copy(update={"trees": min(params.trees, params.tuning_trees)})
    means: dict[Value, float] = {}
    for value in values:
        aucs = []
        for fitted, held_out in folds:
            model = train(case.model, X[fitted], y[fitted], value=value, params=light, seed=seed)
            aucs.append(roc_auc_score(y[held_out], scores(model, X[held_out])))
        means[value] = float(np.mean(aucs))
    best = max(means.values())
    chosen = next(value for value, mean in means.items() if mean > best - TIE)
    return chosen, {str(value): mean for value, mean in means.items()}


def fit_case(case: Case, *, params: BenchmarkParams, seed: int, feature_set: str) -> Fit:
    """Tune on the inner folds, fit on all training rows, score the test rows. `seed` is the common seed.

    A design without features gives every patient the training prevalence (AUC 0.5).
    """
    design = case.design
    if design.features:
        # The same folds for every set and classifier, so that models do not differ by their folds.
        fold_seed = case_seed(seed, "inner folds", design.resample, design.part)
        folds = inner_folds(design.y, design.groups, folds=params.inner_folds, seed=fold_seed)
        own_seed = case_seed(seed, feature_set, case.model, design.resample, design.part)
        value, inner_auc = tune(case, params=params, seed=own_seed, folds=folds)
        model = train_final(case.model, design.X, design.y, value=value, params=params, seed=own_seed, folds=folds)
        fit = Fit(scores=scores(model, design.X_test).tolist(), value=value, inner_auc=inner_auc)
    else:
        model = prevalence(design.y)
        fit = Fit(scores=scores(model, design.X_test).tolist(), value=None, inner_auc={})
    if design.resample != FINAL:
        return fit
    suffix, content = to_bytes(model)
    return Fit(**(vars(fit) | {"suffix": suffix, "content": base64.b64encode(content).decode()}))


def _fit_and_keep(
    case: Case, *, params: BenchmarkParams, seed: int, feature_set: str, store: CheckpointStore | None
) -> Fit:
    fit = fit_case(case, params=params, seed=seed, feature_set=feature_set)
    if store is not None:  # a store without cases counts as false
        store.save(case.name, vars(fit))
    return fit


def fit_cases(
    cases: Sequence[Case],
    *,
    params: BenchmarkParams,
    seed: int,
    feature_set: str,
    workers: int | None,
    scheduler: str | None = None,
    store: CheckpointStore | None = None,
) -> Iterator[Fit]:
    """Yield the fit of each case in their order; a case that `store` keeps from a stopped run is not fitted again."""
    kept = {case.name: store.load(case.name) if store is not None else None for case in cases}
    waiting = [case for case in cases if kept[case.name] is None]
    fit = partial(_fit_and_keep, params=params, seed=seed, feature_set=feature_set, store=store)
    fresh = map_cases(fit, waiting, workers=workers, scheduler=scheduler)
    for case in cases:
        known = kept[case.name]
        yield next(fresh) if known is None else Fit(**known)


def raw_scores(
    cases: Sequence[Case], fits: Sequence[Fit], *, patients: pd.DataFrame, splits: pd.DataFrame, feature_set: str
) -> pd.DataFrame:
    """One row per model, resample and test patient: the mean of the parts' probabilities.

    Columns as in the predictions contract, without threshold. Every test patient of `splits` has its row.
    """
    scored = [
        {"model": case.model, "resample": case.design.resample, "patient_id": patient, "score": score}
        for case, fit in zip(cases, fits, strict=True)
        for patient, score in zip(case.design.test_ids, fit.scores, strict=True)
    ]
    table = pd.DataFrame(scored, columns=["model", "resample", "patient_id", "score"])
    means = table.groupby(["model", "resample", "patient_id"], as_index=False)["score"].mean()
    tested = splits.loc[splits["role"] != "train", ["resample", "patient_id", "role"]]
    raw = means.merge(tested.rename(columns={"role": "evaluation"}), on=["resample", "patient_id"], validate="m:1")
    raw = raw.merge(patients[["patient_id", "label"]], on="patient_id", validate="m:1")
    return raw.assign(feature_set=feature_set, label=raw["label"].astype(int)).sort_values(
        ["feature_set", "model", "resample", "patient_id"], ignore_index=True
    )


def benchmark_set(
    reduced: pd.DataFrame,
    patients: pd.DataFrame,
    splits: pd.DataFrame,
    *,
    params: BenchmarkParams,
    seed: int,
    feature_set: str,
    workers: int = 1,
) -> pd.DataFrame:
    """Raw scores of every classifier on one feature set, as `raw_scores`, the input of `operating_point.freeze`.

    `reduced`, `patients` and `splits` as in their contracts. Raises PipelineError as `design_matrices`.
    """
    cases = benchmark_cases(design_matrices(reduced, patients, splits, place=f"set {feature_set}"), params=params)
    fits = list(fit_cases(cases, params=params, seed=seed, feature_set=feature_set, workers=workers))
    return raw_scores(cases, fits, patients=patients, splits=splits, feature_set=feature_set)


def model_card(
    case: Case, fit: Fit, *, selected: pd.DataFrame, point: OperatingPoint, seed: int, feature_set: str
) -> dict[str, Any]:
    """The card of a saved model, as JSON; `selected` is the table of selected features of the set.

    A patient's score is the mean of the parts' raw scores, recalibrated, compared with the threshold.
    """
    design = case.design
    rows = selected[(selected["resample"] == design.resample) & (selected["part"] == design.part)]
    rows = _in_use(rows, features=design.features)
    note = "" if design.features else "no feature was selected: every patient scores the prevalence (AUC 0.5)"
    return {
        "feature_set": feature_set,
        "model": case.model,
        "resample": design.resample,
        "part": design.part,
        "note": note,
        "features": list(design.features),
        "lasso": rows[["block", "rule", "feature", "coefficient"]].to_dict("records"),
        "tuned": {} if fit.value is None else {TUNED[case.model]: fit.value},
        "inner_auc_optimistic": fit.inner_auc,
        "n": len(design.y),
        "events": int(design.y.sum()),
        "operating_point": asdict(point),
        "seed": seed,
        "versions": package_versions(PACKAGES),
    }


def _in_use(rows: pd.DataFrame, *, features: Sequence[str]) -> pd.DataFrame:
    """The rows of the rule for lambda that kept exactly these features; of both rules if both did."""
    names = rows["block"] + "." + rows["feature"]
    own = ~rows["feature"].str.startswith("(")
    used = {name for name in features if name.partition(".")[0] in set(rows["block"])}
    rules = [rule for rule in rows["rule"].unique() if set(names[own & (rows["rule"] == rule)]) == used]
    return rows[rows["rule"].isin(rules)]
