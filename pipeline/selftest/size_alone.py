"""How well lesion size alone predicts the outcome, and whether a model is merely a proxy for size."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from pipeline.contracts.reports.selftest import SIZE_ALONE
from pipeline.predictions.model_scores import ModelScores, model_scores
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check
from pipeline.statistics.roc import placements

NOTHING = "There is no lesion size, or no chosen model, to check."
AXES = ("x", "y", "z")
PROXY_RULE = (
    "Amber if the scores of a chosen model correlate with lesion size (Spearman, in either direction; the value is the "
    "strongest) above the limit."
)
BEATEN_RULE = "Amber if the AUC of lesion size alone (the value) reaches that of the primary model (the limit)."


def lesion_sizes(rois: pd.DataFrame) -> pd.Series:
    """The size of each patient's lesion: voxels times the size of a voxel if the spacing of every image is known, else
    voxels; the mean over the patient's images. Index patient_id, without patients who have no ROI.
    """
    usable = rois[rois["status"] == "ok"]
    spacing = usable[[f"spacing_{axis}_mm" for axis in AXES]].astype(float)
    known = spacing[["spacing_x_mm", "spacing_y_mm"]].notna().all(axis=None)
    voxel = spacing.fillna(1.0).prod(axis=1) if known else 1.0
    return (usable["n_voxels"].astype(float) * voxel).groupby(usable["patient_id"]).mean()


def size_auc(sizes: pd.Series, *, model: ModelScores, larger_means_event: bool) -> float:
    """The AUC of size among the patients of `model` that have one; NaN if a class is missing.

    The direction is learned beforehand, from training patients.
    """
    own = _with_size(model, sizes=sizes)
    labels = model.labels[own]
    if not labels.any() or labels.all():
        return float("nan")
    values = sizes.loc[[model.ids[place] for place in own]].to_numpy(dtype=np.float64)
    auc = _auc(rankdata(values), labels=labels)
    return auc if larger_means_event else 1 - auc


def direction(sizes: pd.Series, *, labels: pd.Series) -> bool:
    """Whether larger lesions have the event more often among the patients of `labels` (training, index patient_id)."""
    known = labels[labels.index.isin(sizes.index)]
    if known.nunique() < 2:
        return True
    return float(placements(sizes.loc[known.index], labels=known.to_numpy()).auc[0]) >= 0.5


def size_table(sizes: pd.Series, *, chosen: Sequence[ModelScores], training: pd.Series) -> pd.DataFrame:
    """`size_alone.csv`: for each chosen model in each evaluation, over its patients with a lesion size: the AUC of size
    alone, the model's own, and Spearman's correlation of its scores with size; empty if undefined.

    Scores of evaluation cv come from several fits; their correlation with size is approximate.
    """
    larger = direction(sizes, labels=training)
    rows = []
    for model in chosen:
        own = _with_size(model, sizes=sizes)
        both = 0 < int(model.labels[own].sum()) < len(own)
        rows.append(
            {
                "feature_set": model.feature_set,
                "model": model.model,
                "evaluation": model.evaluation,
                "n": len(own),
                "size_auc": size_auc(sizes, model=model, larger_means_event=larger),
                "model_auc": _auc(model.scores[own], labels=model.labels[own]) if both else np.nan,
                "correlation": _correlation(sizes, model=model),
            }
        )
    return pd.DataFrame(rows, columns=SIZE_ALONE.names)


def _with_size(model: ModelScores, *, sizes: pd.Series) -> list[int]:
    return [place for place, patient in enumerate(model.ids) if patient in sizes.index]


def _auc(scores: NDArray[np.float64], *, labels: NDArray[np.bool_]) -> float:
    return float(placements(scores, labels=labels).auc[0])


def size_checks(
    sizes: pd.Series, *, chosen: Sequence[ModelScores], primary: ModelScores | None, training: pd.Series, limit: float
) -> list[Check]:
    """The two lights. `chosen`: the chosen models in one evaluation; `primary`: the primary model there, if named.

    `limit`: the correlation above which a model is a proxy for size; `training`: labels of training patients by id.
    """
    return [_proxy(sizes, chosen=chosen, limit=limit), _beaten(sizes, primary=primary, training=training)]


def _proxy(sizes: pd.Series, *, chosen: Sequence[ModelScores], limit: float) -> Check:
    named = {f"{model.feature_set} with {model.model}": _correlation(sizes, model=model) for model in chosen}
    found = {name: value for name, value in named.items() if np.isfinite(value)}
    title = "No chosen model's scores closely follow lesion size"
    if not found:
        return Check(check="size_correlation", light="grey", title=title, rule=PROXY_RULE, finding=NOTHING)
    proxies = sorted(name for name, value in found.items() if abs(value) > limit)
    return Check(
        check="size_correlation",
        light="amber" if proxies else "green",
        title=title,
        rule=PROXY_RULE,
        finding=f"The scores of these models follow lesion size: {', '.join(proxies)}."
        if proxies
        else "No chosen model's scores follow lesion size.",
        value=max(abs(value) for value in found.values()),
        limit=limit,
    )


def _correlation(sizes: pd.Series, *, model: ModelScores) -> float:
    own = _with_size(model, sizes=sizes)
    values, scores = sizes.loc[[model.ids[place] for place in own]], model.scores[own]
    if len(own) < 3 or np.ptp(scores) == 0 or np.ptp(values) == 0:
        return float("nan")
    return float(spearmanr(values, scores).statistic)


def _beaten(sizes: pd.Series, *, primary: ModelScores | None, training: pd.Series) -> Check:
    title = "The primary model has a higher AUC than lesion size alone"
    alone = float("nan")
    if primary is not None and primary.both_classes:
        alone = size_auc(sizes, model=primary, larger_means_event=direction(sizes, labels=training))
    if primary is None or not np.isfinite(alone):
        return Check(check="size_alone", light="grey", title=title, rule=BEATEN_RULE, finding=NOTHING)
    known = _with_size(primary, sizes=sizes)
    own = _auc(primary.scores[known], labels=primary.labels[known])
    beaten = alone >= own
    return Check(
        check="size_alone",
        light="amber" if beaten else "green",
        title=title,
        rule=BEATEN_RULE,
        finding="Lesion size alone predicts the outcome as well as the primary model."
        if beaten
        else "The primary model predicts the outcome better than lesion size alone.",
        value=alone,
        limit=own,
    )


def size_results(inputs: Inputs, *, limit: float) -> tuple[list[Check], pd.DataFrame]:
    """The lights of lesion size in the primary evaluation, and `size_alone.csv` for every evaluation.

    `limit`: the correlation of score and size above which a model is a proxy for size.
    """
    models = chosen_models(model_scores(inputs.predictions, place="data/predictions"), chosen=inputs.chosen)
    counted, primary = where_it_counts(models, chosen=inputs.chosen)
    sizes, training = lesion_sizes(inputs.rois), inputs.training
    checks = size_checks(sizes, chosen=counted, primary=primary, training=training, limit=limit)
    return checks, size_table(sizes, chosen=models, training=training)


def chosen_models(models: Sequence[ModelScores], *, chosen: pd.DataFrame) -> list[ModelScores]:
    """The chosen models in every evaluation."""
    keys = set(zip(chosen["feature_set"], chosen["model"], strict=True))
    return [model for model in models if (model.feature_set, model.model) in keys]


def where_it_counts(
    models: Sequence[ModelScores], *, chosen: pd.DataFrame
) -> tuple[list[ModelScores], ModelScores | None]:
    """Those of `models` in the primary evaluation (else external, internal, cv), and the primary model there."""
    primary = chosen[chosen["role"] == "primary"]
    found = {model.evaluation for model in models}
    wanted = [*primary["evaluation"], "external", "internal", "cv"]
    evaluation = next((name for name in wanted if name in found), "cv")
    own = [model for model in models if model.evaluation == evaluation]
    names = set(zip(primary["feature_set"], primary["model"], strict=True))
    return own, next((model for model in own if (model.feature_set, model.model) in names), None)
