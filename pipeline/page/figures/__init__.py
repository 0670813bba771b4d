"""The figures of the report as inline SVG, one topic a file."""

from pipeline.page.figures.interval_bar import interval_bar
from pipeline.page.figures.marks import Curve, ModelLine, curves_of, swatch
from pipeline.page.figures.precision_recall import precision_recall_figure
from pipeline.page.figures.roc import roc_figure

__all__ = [
    "Curve",
    "ModelLine",
    "curves_of",
    "interval_bar",
    "precision_recall_figure",
    "roc_figure",
    "swatch",
]
