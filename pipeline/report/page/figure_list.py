"""The figures of the page, by name and evaluation; None if the data do not allow a figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipeline.contracts.data.split import FINAL
from pipeline.reduce.steps.lasso import choose
from pipeline.report.figures.calibration import calibration_figure
from pipeline.report.figures.controls import controls_figure
from pipeline.report.figures.correlation import correlation_figure
from pipeline.report.figures.decision_curve import decision_figure
from pipeline.report.figures.forest import forest_figure
from pipeline.report.figures.lasso import coefficient_figure, lasso_cv_figure, lasso_path_figure
from pipeline.report.figures.marks import ModelLine, curves_of
from pipeline.report.figures.nomogram import conversion_figure, nomogram_figure
from pipeline.report.figures.overview import overview_figure
from pipeline.report.figures.precision_recall import precision_recall_figure
from pipeline.report.figures.roc import roc_figure
from pipeline.report.figures.sham import sham_figure
from pipeline.report.inputs import ReportInputs
from pipeline.report.tables.nomogram import TOGETHER

FEW_LINES = 4  # in a figure of net benefit: the primary model, its comparator, and the next sets
Figures = Mapping[str, Any]


def drawings(
    study: ReportInputs,
    *,
    tables: Mapping[str, pd.DataFrame],
    lines: Sequence[Sequence[ModelLine]],
    every: Sequence[ModelLine],
    evaluations: Sequence[str],
) -> Figures:
    """The figures by the names that the templates use.

    `lines`: the chosen models of each figure of curves, the primary one first; `every`: all of them; `evaluations`: the
    test evaluations; `tables`: the page's own.
    """
    first = lines[0]
    predictions = pd.concat([table for table in study.predictions.values() if len(table)], ignore_index=True)
    results = study.results
    both = [*evaluations, "cv"]
    return {
        "overview": overview_figure(results["metrics"], lines=every, title="AUC of every chosen model"),
        "curves": {name: _curves(study, lines=lines, evaluation=name) for name in both},
        "calibration": {
            name: calibration_figure(
                results["calibration_curves"],
                line=first[0],
                evaluation=name,
                title=f"Calibration of {first[0].name}, evaluation {name}",
                predictions=predictions,
            )
            for name in evaluations
        },
        "decision": {
            name: decision_figure(
                results["decision_curves"],
                lines=first[:FEW_LINES],
                evaluation=name,
                title=f"Net benefit, evaluation {name}",
            )
            for name in evaluations
        },
        "forest": {
            name: forest_figure(
                tables["subgroups"], tables["subgroup_tests"], evaluation=name, title=f"Subgroups, evaluation {name}"
            )
            for name in evaluations
        },
        "sham": _sham(study),
        "controls": controls_figure(results["controls"], title="Negative controls"),
        "nomogram": _nomograms(tables["nomogram"]),
        **_selection(study, lines=first),
    }


def _curves(
    study: ReportInputs, *, lines: Sequence[Sequence[ModelLine]], evaluation: str
) -> list[tuple[Markup, Markup | None]]:
    """The ROC and the precision-recall figure of each group of models that has curves."""
    curves = study.results["curves"]
    pairs = [
        (_roc(curves, lines=own, evaluation=evaluation), _precision(study, lines=own, evaluation=evaluation))
        for own in lines
    ]
    return [(roc, precision) for roc, precision in pairs if roc is not None]


def _roc(curves: pd.DataFrame, *, lines: Sequence[ModelLine], evaluation: str) -> Markup | None:
    found = curves_of(curves[curves["curve"] == "roc"], evaluation=evaluation, lines=lines, x="x", y="y")
    return roc_figure(found, title=f"ROC curves, evaluation {evaluation}") if found else None


def _precision(study: ReportInputs, *, lines: Sequence[ModelLine], evaluation: str) -> Markup | None:
    curves, metrics = study.results["curves"], study.results["metrics"]
    inside = curves[curves["curve"] == "precision_recall"]
    found = curves_of(inside, evaluation=evaluation, lines=lines, x="x", y="y")
    if not found:
        return None
    counts = metrics[metrics["evaluation"] == evaluation].iloc[0]
    prevalence = float(counts["n_pos"] / (counts["n_pos"] + counts["n_neg"]))
    title = f"Precision-recall curves, evaluation {evaluation}"
    return precision_recall_figure(found, title=title, prevalence=prevalence)


def _sham(study: ReportInputs) -> Markup | None:
    """The shuffles of the outcome, with the range that the self-test allows for their mean."""
    limits = study.results["selftest"].set_index("check")["limit"]
    names = {"sham_labels": "all", "sham_within_site": "within_site"}
    tolerance = {
        kind: float(limits[check]) - 0.5
        for check, kind in names.items()
        if check in limits.index and pd.notna(limits[check])
    }
    return sham_figure(study.results["sham"], title="Shuffled outcomes", tolerance=tolerance)


def _nomograms(table: pd.DataFrame) -> list[Markup]:
    """One figure per part, and the conversion of their probabilities into one risk."""
    parts = [part for part in table["part"].unique() if part != TOGETHER]
    found = [nomogram_figure(table[table["part"] == part], title=f"Nomogram, part {part}") for part in parts]
    together = table[table["part"] == TOGETHER]
    return [*found, conversion_figure(together, title="From two probabilities to one risk")] if len(together) else found


def _selection(study: ReportInputs, *, lines: Sequence[ModelLine]) -> dict[str, Any]:
    """Choice of the penalty and coefficients by block (from the first set that has it), and the correlation map of the
    primary set; all from the first part of resample `final`.
    """
    cv: dict[str, Markup | None] = {}
    coefficients: dict[str, Markup | None] = {}
    paths: dict[str, Markup | None] = {}
    for name in study.sets:
        lasso, selected = (_first_part(table) for table in (study.lasso[name], study.selected[name]))
        for block in sorted(set(lasso["block"]) - set(cv)):
            own, chosen = lasso[lasso["block"] == block], selected[selected["block"] == block]
            cv[str(block)] = lasso_cv_figure(own, title=f"LASSO of block {block}")
            paths[str(block)] = _path(study.lasso_paths[name], block=str(block), lasso=own, study=study)
            coefficients[str(block)] = coefficient_figure(chosen, title=f"Coefficients of block {block}")
    drawn = {"lasso": cv, "lasso_paths": paths, "coefficients": coefficients}
    return drawn | {"correlation": _correlation(study, name=lines[0].feature_set)}


def _path(table: pd.DataFrame, *, block: str, lasso: pd.DataFrame, study: ReportInputs) -> Markup | None:
    """The path of a block in the first part, with the lambda of the params' rule marked."""
    own = table[(table["block"] == block) & (table["part"] == lasso["part"].min())]
    ordered = lasso.sort_values("lambda_index")
    rule = study.params["reduce"]["lasso"]["rule"]
    place = choose(ordered["cv_mean"].to_numpy(dtype=float), ordered["cv_se"].to_numpy(dtype=float), rule=rule)
    return lasso_path_figure(own, title=f"LASSO path of block {block}", chosen=float(ordered["lambda"].iloc[place]))


def _first_part(table: pd.DataFrame) -> pd.DataFrame:
    final = table[table["resample"] == FINAL]
    return final[final["part"] == final["part"].min()]


def _correlation(study: ReportInputs, *, name: str) -> Markup | None:
    """The features of a set in the training rows of the first part, those with the largest coefficients first."""
    if name not in study.reduced:
        return None
    reduced, selected = _first_part(study.reduced[name]), _first_part(study.selected[name])
    train = reduced[reduced["role"] == "train"].drop(columns=["resample", "part", "patient_id", "role"])
    features = train.dropna(axis=1, how="all").select_dtypes("number")
    sizes = (selected["block"] + "." + selected["feature"]).to_frame("name").assign(size=selected["coefficient"].abs())
    largest = sizes.groupby("name")["size"].max()
    order = sorted(features.columns, key=lambda column: (-float(largest.get(column, float("inf"))), column))
    return correlation_figure(features[order], title="Correlation of the features of the primary set")
