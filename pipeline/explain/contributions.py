"""Contributions of the features to one feature set's chosen classifier, in each part and in their mean.

What is explained is the mean of the parts' outputs (fits on one half of the training patients each, or one fit on all),
so a feature's contribution is its mean over the parts, with 0 in a part that did not select it. If the unit is
log-odds, it is the mean of log-odds, while a patient's score is the mean of probabilities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from pipeline.benchmark.classifiers import ModelName, scores
from pipeline.benchmark.design_matrices import Design
from pipeline.benchmark.model_files import SavedModel
from pipeline.contracts.reports.explain import SHAP, SHAP_MODELS
from pipeline.explain.attribution import Attribution, attributions, unit_of
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.pseudonyms import Pseudonyms
from pipeline.plan.feature_names import name_in_part
from pipeline.statistics.prototypes import Prototypes, prototypes

Floats = NDArray[np.float64]
NONE = "none"  # the explainer of a model without features


@dataclass(frozen=True, kw_only=True)
class PartModel:
    """The model of one part and the rows that it is explained on: `features` (p), `X` (n, p).

    `found` is None if the model has no feature: every patient scores the prevalence, which is `base`.
    """

    part: str
    features: tuple[str, ...]
    model: SavedModel
    X: Floats
    found: Attribution | None
    base: float

    def score(self, X: Floats) -> Floats:
        """The raw scores, shape (n,), of rows with the columns of `features`."""
        return scores(self.model.model, np.ascontiguousarray(X))


@dataclass(frozen=True, kw_only=True)
class Explained:
    """A feature set's chosen classifier on the n held-out patients of the primary evaluation, part by part.

    `label` (n,) is 0 or 1; `groups` (n,) names the group of each patient; `blocks`: those of the set.
    """

    feature_set: str
    model: ModelName
    evaluation: str
    blocks: tuple[str, ...]
    patients: tuple[str, ...]
    label: NDArray[np.int64]
    groups: NDArray[np.str_]
    parts: tuple[PartModel, ...]

    @property
    def unit(self) -> str:
        """The unit of the contributions: log-odds or probability."""
        return unit_of(self.model)

    @property
    def base(self) -> float:
        """The mean base of the parts."""
        return float(np.mean([part.base for part in self.parts]))

    def columns(self) -> list[str]:
        """The features of all parts, sorted; a principal component of one of several parts carries its name."""
        return sorted({name_in_part(feature, part.part) for part in self.parts for feature in part.features})

    def values(self) -> pd.DataFrame:
        """The value of each column (n, columns) of each patient, the mean over the parts that selected it."""
        return self._mean([(part, part.X) for part in self.parts], over_all=False)

    def contributions(self) -> pd.DataFrame:
        """The contribution of each column (n, columns), the mean over the parts, with 0 where it was not selected."""
        known = [(part, part.found.values) for part in self.parts if part.found is not None]
        return self._mean(known, over_all=True)

    def outputs(self) -> pd.Series:
        """The output of each patient by id, the mean over the parts: a part without features gives its base."""
        known = [part.found.output if part.found else np.full(len(self.patients), part.base) for part in self.parts]
        return pd.Series(np.mean(known, axis=0), index=list(self.patients))

    def _mean(self, tables: Sequence[tuple[PartModel, Floats]], *, over_all: bool) -> pd.DataFrame:
        names = self.columns()
        total = pd.DataFrame(0.0, index=list(self.patients), columns=names)
        times = dict.fromkeys(names, 0)
        for part, table in tables:
            for place, feature in enumerate(part.features):
                name = name_in_part(feature, part.part)
                total[name] += table[:, place]
                times[name] += 1
        return total / (len(self.parts) if over_all else pd.Series(times))


def explained_set(
    designs: Sequence[Design],
    models: Mapping[str, SavedModel],
    *,
    feature_set: str,
    evaluation: str,
    patients: pd.DataFrame,
    roles: Mapping[str, str],
    blocks: Sequence[str],
    seed: int,
    orders: int,
) -> Explained:
    """The contributions of a set's chosen classifier on the patients whose role in `final` is `evaluation`.

    `designs`: those of resample `final`, one per part; `models` by part; `roles` by patient id. The background is made
    of the training rows of the part alone. Raises PipelineError if a model was fitted on other features than its
    design has.
    """
    ids = tuple(sorted(patient for patient, role in roles.items() if role == evaluation))
    known = patients.set_index("patient_id").loc[list(ids)]
    name = cast("ModelName", next(iter(models.values())).card["model"])
    parts = tuple(
        _part(design, models[design.part], ids=ids, name=name, seed=seed, orders=orders) for design in designs
    )
    return Explained(
        feature_set=feature_set,
        model=name,
        evaluation=evaluation,
        blocks=tuple(blocks),
        patients=ids,
        label=known["label"].to_numpy().astype(np.int64),
        groups=known["group_id"].to_numpy().astype(np.str_),
        parts=parts,
    )


def _part(
    design: Design, model: SavedModel, *, ids: Sequence[str], name: ModelName, seed: int, orders: int
) -> PartModel:
    if list(design.features) != model.card["features"]:
        raise PipelineError(
            f"{model.card['file']} was fitted on other features than the reduced table has; run benchmark again"
        )
    place = {patient: number for number, patient in enumerate(design.test_ids)}
    X = np.ascontiguousarray(design.X_test[[place[patient] for patient in ids]])
    return part_model(
        model,
        X,
        part=design.part,
        name=name,
        prevalence=float(design.y.mean()),
        background=prototypes(design.X, seed=seed) if design.features else None,
        seed=seed,
        orders=orders,
    )


def part_model(
    model: SavedModel,
    X: Floats,
    *,
    part: str,
    name: ModelName,
    prevalence: float,
    background: Prototypes | None,
    seed: int,
    orders: int,
) -> PartModel:
    """The model of a part explained on the rows `X` (n, p), columns as in its card. `prevalence`: of the event among
    the training rows, which is the output of a model without features; such a model needs no `background`.

    Raises PipelineError as `attributions`.
    """
    features = tuple(model.card["features"])
    if not features or background is None:
        base = float(logit(prevalence)) if unit_of(name) == "log-odds" else prevalence
        return PartModel(part=part, features=(), model=model, X=X, found=None, base=base)
    found = attributions(model.model, X, name=name, background=background, seed=seed, orders=orders)
    return PartModel(part=part, features=features, model=model, X=X, found=found, base=found.base)


def shap_table(sets: Sequence[Explained], *, names: Pseudonyms) -> pd.DataFrame:
    """`shap.csv`: the value and the contribution of every feature of every part for every patient, by pseudonym."""
    tables = [SHAP.empty()]
    for one in sets:
        cases = [names.of(patient) for patient in one.patients]
        for part in one.parts:
            if part.found is None:
                continue
            rows = {
                "feature_set": one.feature_set,
                "part": part.part,
                "case": np.repeat(cases, len(part.features)),
                "feature": np.tile(part.features, len(cases)),
                "model": one.model,
                "evaluation": one.evaluation,
                "value": part.X.ravel(),
                "contribution": part.found.values.ravel(),
            }
            tables.append(pd.DataFrame(rows))
    return pd.concat(tables[1:], ignore_index=True) if len(tables) > 1 else tables[0]


def shap_model_table(sets: Sequence[Explained]) -> pd.DataFrame:
    """`shap_models.csv`: how each model was explained, and how closely its contributions add up to its output."""
    rows = []
    for one in sets:
        for part in one.parts:
            found = part.found
            rows.append(
                {
                    "feature_set": one.feature_set,
                    "part": part.part,
                    "model": one.model,
                    "evaluation": one.evaluation,
                    "explainer": found.explainer if found else NONE,
                    "unit": one.unit,
                    "base": part.base,
                    "n_features": len(part.features),
                    "n_background_rows": found.n_background if found else 0,
                    "n_patients": len(one.patients),
                    "max_error": found.max_error if found else None,
                    "bound": found.bound if found else None,
                    "sampling_error": found.sampling_error if found else None,
                }
            )
    return pd.DataFrame(rows, columns=SHAP_MODELS.names)
