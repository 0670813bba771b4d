"""From raw features to a frozen probability: the fitted reducers, the classifiers of the parts, the recalibration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipeline.benchmark.model_files import SavedModel
from pipeline.explain.contributions import Explained, PartModel, part_model
from pipeline.foundation.errors import PipelineError
from pipeline.predict.bundle import Bundle, Part
from pipeline.predictions.operating_point import OperatingPoint
from pipeline.reduce.block_reducer import BlockReducer
from pipeline.reduce.steps.combat import Combat

Floats = NDArray[np.float64]
INTERVAL = (2.5, 97.5)  # percentiles


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The fitted steps of a bundle, read once: reducers by block and part, classifiers by part."""

    reducers: Mapping[tuple[str, str], BlockReducer]
    models: Mapping[str, SavedModel]


def fitted_steps(bundle: Bundle) -> Fitted:
    """Read the reducers and classifiers of a bundle. Raises PipelineError if one is missing, damaged or not trusted."""
    parts, blocks = bundle.about.parts, bundle.about.blocks
    return Fitted(
        reducers={(block, part): bundle.reducer(block, part) for block in blocks for part in parts},
        models={part: bundle.model(part) for part in parts},
    )


def reduced_features(
    bundle: Bundle,
    fitted: Fitted,
    raw: Mapping[tuple[str, str], pd.DataFrame],
    *,
    sites: pd.Series,
    patients: list[str],
) -> dict[str, pd.DataFrame]:
    """The features of the classifier of each part, `<block>.<feature>`, index patient_id, of `patients`.

    `sites` by patient_id are used by harmonisation alone. Raises PipelineError if it refuses a patient's site.
    """
    found: dict[str, pd.DataFrame] = {}
    for part in bundle.about.parts:
        frames = []
        for block in bundle.about.blocks:
            reducer = fitted.reducers[block, part]
            reducer.sites = sites
            reduced = reducer.transform(raw[block, part].loc[patients])
            frames.append(reduced.add_prefix(f"{block}."))
        found[part] = pd.concat(frames, axis=1)
    return found


def unharmonised(fitted: Fitted, sites: pd.Series) -> tuple[dict[str, str], dict[str, str]]:
    """By patient, of those whose site has no estimate of its effects: why there is no prediction, and what is said of
    one that is not harmonised; both empty if the study was not harmonised. `sites` by patient_id.
    """
    steps = [step for reducer in fitted.reducers.values() for step in reducer.steps_ if isinstance(step, Combat)]
    refused, exempt = {}, {}
    for patient, site in sites.items():
        lacking = [step for step in steps if pd.isna(site) or site not in step.sites_]
        if not lacking:
            continue
        known = ", ".join(lacking[0].sites_)
        if pd.isna(site):
            refused[str(patient)] = f"the features were harmonised by site ({known}), and no site is given: fill it in"
        elif any(step.unseen_site == "refuse" for step in lacking):
            refused[str(patient)] = f"the features were harmonised by site ({known}), and '{site}' is none of them"
        else:
            exempt[str(patient)] = f"The features were harmonised by site ({known}), and those of '{site}' are not."
    return refused, exempt


def part_scores(fitted: Fitted, reduced: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The raw score of each patient by each part's classifier: index patient_id, columns the parts."""
    return pd.DataFrame(
        {part: fitted.models[part].score(table) for part, table in reduced.items()},
        index=next(iter(reduced.values())).index,
    )


def probabilities(bundle: Bundle, scores: pd.DataFrame) -> pd.DataFrame:
    """Probability, interval and class of each patient (columns probability, low, high, positive), from `part_scores`.

    The probability is the mean of the parts' scores, recalibrated; positive = probability ≥ threshold, both frozen.
    The interval (2.5th to 97.5th percentile) holds the recalibrated score of each part under each bootstrap sample of
    the training patients behind the recalibration: the spread of the fits and of the recalibration. The classifiers are
    not fitted again, and it is no interval for the patient's own risk.
    """
    raw = mean_of_parts(scores)
    probability = bundle.point.recalibrate(raw)
    lines = [OperatingPoint(intercept=a, slope=b, threshold=0.5) for a, b in bundle.about.recalibrations]
    drawn = [line.recalibrate(scores[part].to_numpy(dtype=np.float64)) for line in lines for part in scores]
    low, high = np.percentile(np.array(drawn), INTERVAL, axis=0)
    return pd.DataFrame(
        {
            "probability": probability,
            # The probability itself is among what the interval is about, at its edge if the parts disagree.
            "low": np.minimum(low, probability),
            "high": np.maximum(high, probability),
            "positive": probability >= bundle.point.threshold,
        },
        index=scores.index,
    )


def mean_of_parts(scores: pd.DataFrame) -> Floats:
    """The mean score over the parts."""
    return scores.to_numpy(dtype=np.float64).mean(axis=1)


def explained(bundle: Bundle, fitted: Fitted, reduced: Mapping[str, pd.DataFrame]) -> Explained:
    """The contributions of the features to the score of each part's classifier, as the report has them for a study.

    Raises PipelineError if they do not sum to the score.
    """
    patients = tuple(str(patient) for patient in next(iter(reduced.values())).index)
    return Explained(
        feature_set=bundle.about.feature_set,
        model=bundle.about.classifier,
        evaluation="new",
        blocks=bundle.about.blocks,
        patients=patients,
        label=np.zeros(len(patients), dtype=np.int64),  # not known, and not used
        groups=np.array(patients, dtype=np.str_),
        parts=tuple(_part(bundle, fitted, part=part, table=table) for part, table in reduced.items()),
    )


def _part(bundle: Bundle, fitted: Fitted, *, part: str, table: pd.DataFrame) -> PartModel:
    model, about = fitted.models[part], bundle.about
    features = model.card["features"]
    background = about.backgrounds.get(cast("Part", part))
    if features and background is None:
        raise PipelineError(f"{bundle.place}: part {part} has no background; make the bundle again")
    return part_model(
        model,
        np.ascontiguousarray(table[features].to_numpy(dtype=np.float64)),
        part=part,
        name=about.classifier,
        prevalence=model.card["events"] / model.card["n"],
        background=None if background is None else background.prototypes,
        seed=about.seed,
        orders=about.orders,
    )
