"""The figures of the report as inline SVG, one topic a file."""

from pipeline.page.figures.interval_bar import interval_bar
from pipeline.page.figures.marks import Curve, ModelLine, curves_of, swatch
from pipeline.page.figures.nomogram import conversion_figure, nomogram_figure
from pipeline.page.figures.precision_recall import precision_recall_figure
from pipeline.page.figures.roc import roc_figure

__all__ = [
    "Curve",
    "ModelLine",
    "conversion_figure",
    "curves_of",
    "interval_bar",
    "nomogram_figure",
    "precision_recall_figure",
    "roc_figure",
    "swatch",
]
