"""What is compared: the predictions of the named sets and networks in a folder, or any table of predictions.

An external table needs four columns: patient_id, label (0 or 1), model, score (0 to 1). The other columns of the
contract are filled in if they are absent: evaluation = external; feature_set = the model's own name, so that every
model is a set of its own; resample = final (cv in evaluation cv: one fold); threshold = none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import ParamsError, PipelineError, TableError
from pipeline.foundation.params import read_yaml
from pipeline.foundation.tables import check_table, read_csv, read_table
from pipeline.plan.comparison import CompareParams
from pipeline.predictions.model_scores import ModelScores, model_scores


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The predictions, their models and the params that fit them; `warnings`: one sentence per missing result."""

    predictions: pd.DataFrame
    models: list[ModelScores]
    params: CompareParams
    warnings: list[str]


def read_comparison(place: Path, *, fusion: Path | None, embed: Path | None, params: CompareParams) -> Comparison:
    """What is compared in a file or a folder. Raises as `read_predictions` and `model_scores` do."""
    predictions = read_predictions(place, fusion=fusion, embed=embed)
    own, warning = params_for(predictions, params=params) if place.is_file() else (params, None)
    models = model_scores(predictions, place=str(place))
    warnings = [*([warning] if warning else []), *undefined(models)]
    return Comparison(predictions=predictions, models=models, params=own, warnings=warnings)


def read_predictions(place: Path, *, fusion: Path | None, embed: Path | None) -> pd.DataFrame:
    """The predictions in a file, or those of the named sets and networks in a folder.

    In a folder, `<set>.csv` is read for every set of `fusion` and `<net>_head.csv` for every network of `embed`, and
    no other file. Tables without rows (heads of frozen networks) add nothing.
    Raises ParamsError if a folder comes without both files, TableError if a table is missing or breaks its contract or
    a file has no row, PipelineError if no table of a folder has a row.
    """
    if not place.is_dir():
        tables = [_any_table(place)]
    elif fusion is None or embed is None:
        raise ParamsError(f"{place} is a folder: --fusion and --embed must name the params files that list its tables")
    else:
        names = [*read_yaml(fusion).get("sets", {}), *(f"{net}_head" for net in read_yaml(embed).get("nets", []))]
        tables = [read_table(place / f"{name}.csv", PREDICTIONS) for name in names]
    tables = [table for table in tables if len(table)]
    if not tables:
        raise PipelineError(f"{place}: there is no prediction to compare; run the stage benchmark first")
    return pd.concat(tables, ignore_index=True)


def _any_table(path: Path) -> pd.DataFrame:
    """A table of predictions, its absent columns filled in."""
    table = read_csv(path, text_columns=sorted(PREDICTIONS.text_columns))
    if "evaluation" not in table:
        table["evaluation"] = "external"
    if "feature_set" not in table and "model" in table:
        table["feature_set"] = table["model"]
    if "resample" not in table:
        table["resample"] = np.where(table["evaluation"] == "cv", "cv", FINAL)
    if "threshold" not in table:
        table["threshold"] = np.nan
    check_table(table, PREDICTIONS, place=str(path))
    if table.empty:
        raise TableError(f"{path}: the file has no row under its header; it needs one per patient and model")
    return table


def params_for(predictions: pd.DataFrame, *, params: CompareParams) -> tuple[CompareParams, str | None]:
    """The params for an external table: without a primary comparison if it has neither of the two sets.

    The second value is the warning about it, or None. A table that has one of the two sets keeps the primary
    comparison, so that a typo in the other's name is not ignored.
    """
    primary = params.primary
    if primary is None or set(predictions["feature_set"]) & {primary.feature_set, primary.comparator}:
        return params, None
    message = (
        f"no confirmatory comparison: neither {primary.feature_set} nor {primary.comparator}, the primary sets of the "
        "params, is in these predictions; name two of their sets under primary before the results are known"
    )
    return params.model_copy(update={"primary": None}), message


def undefined(models: Sequence[ModelScores]) -> list[str]:
    """What cannot be computed, one sentence each: evaluations of one class, models without threshold.

    Cross-validation has no threshold by design, so only test evaluations are checked for one.
    """
    found = []
    for evaluation in sorted({model.evaluation for model in models}):
        group = [model for model in models if model.evaluation == evaluation]
        if not group[0].both_classes:
            label = int(group[0].n_pos > 0)
            found.append(f"evaluation {evaluation}: every patient has the label {label}; no AUC, test or calibration")
        without = [f"{model.feature_set}/{model.model}" for model in group if model.threshold is None]
        if without and evaluation != "cv":
            found.append(
                f"evaluation {evaluation}: no threshold for {len(without)} of {len(group)} models, first {without[0]}; "
                "they have no sensitivity, specificity or other measure at a threshold"
            )
    return found
