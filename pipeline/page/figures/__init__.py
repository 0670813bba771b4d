"""The figures of the report as inline SVG, one topic a file: tables in, one described picture out."""

from pipeline.page.figures.calibration import calibration_figure
from pipeline.page.figures.correlation import correlation_figure
from pipeline.page.figures.decision_curve import decision_figure
from pipeline.page.figures.forest import forest_figure
from pipeline.page.figures.interval_bar import interval_bar
from pipeline.page.figures.lasso import coefficient_figure, lasso_cv_figure, lasso_path_figure
from pipeline.page.figures.marks import STYLES, Curve, ModelLine, curves_of, swatch
from pipeline.page.figures.nomogram import conversion_figure, nomogram_figure
from pipeline.page.figures.overview import overview_figure
from pipeline.page.figures.precision_recall import precision_recall_figure
from pipeline.page.figures.roc import roc_figure
from pipeline.page.figures.sham import sham_figure

__all__ = [
    "STYLES",
    "Curve",
    "ModelLine",
    "calibration_figure",
    "coefficient_figure",
    "conversion_figure",
    "correlation_figure",
    "curves_of",
    "decision_figure",
    "forest_figure",
    "interval_bar",
    "lasso_cv_figure",
    "lasso_path_figure",
    "nomogram_figure",
    "overview_figure",
    "precision_recall_figure",
    "roc_figure",
    "sham_figure",
    "swatch",
]
