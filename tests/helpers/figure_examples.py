"""A small example of every figure of the report, and how to read it back."""

from xml.etree import ElementTree

import numpy as np
import pandas as pd

from pipeline.contracts.reports.selftest import CONTROLS
from pipeline.report.figures.calibration import calibration_figure
from pipeline.report.figures.contributions import beeswarm_figure, fall_figure, size_figure
from pipeline.report.figures.controls import controls_figure
from pipeline.report.figures.correlation import correlation_figure
from pipeline.report.figures.decision_curve import decision_figure
from pipeline.report.figures.forest import forest_figure
from pipeline.report.figures.lasso import coefficient_figure, lasso_cv_figure, lasso_path_figure
from pipeline.report.figures.marks import ModelLine, curves_of
from pipeline.report.figures.overview import overview_figure
from pipeline.report.figures.precision_recall import precision_recall_figure
from pipeline.report.figures.regions import area_figure, dice_figure, fraction_figure
from pipeline.report.figures.roc import roc_figure
from pipeline.report.figures.sham import sham_figure

LINES = [
    ModelLine(feature_set="combined", model="lr", name="combined <1>", style=0),
    ModelLine(feature_set="clinical", model="svm", name="clinical", style=1),
    ModelLine(feature_set="net", model="net_head", name="net own head", style=2),
]
KEYS = ["feature_set", "model", "evaluation"]


def by_model(columns, rows, *, lines=LINES):
    """The same rows for every model in evaluation external."""
    every = [(line.feature_set, line.model, "external", *row) for line in lines for row in rows]
    return pd.DataFrame(every, columns=[*KEYS, *columns])


def roc(**more):
    table = by_model(["point", "x", "y"], [(1, 0, 0), (2, 0.2, 0.9), (3, 1, 1)])
    curves = curves_of(table, evaluation="external", lines=LINES, x="x", y="y")
    return roc_figure(curves, title="ROC", **more)


def precision_recall():
    table = by_model(["point", "x", "y"], [(1, 0.4, 1), (2, 1, 0.5)])
    curves = curves_of(table, evaluation="external", lines=LINES, x="x", y="y")
    return precision_recall_figure(curves, title="PR", prevalence=0.3, with_legend=True)


def calibration(*, curve="loess", shift=0.0):
    grid = np.linspace(0.05, 0.9, 12)
    rows = [("loess", n, p, np.clip(p + shift, 0, 1), p - 0.1, p + 0.1, None) for n, p in enumerate(grid)]
    rows += [("groups", n, p, p, p / 2, min(1, p * 1.5), 9) for n, p in enumerate((0.1, 0.4, 0.8))]
    table = by_model(["curve", "point", "predicted", "observed", "ci_low", "ci_high", "n"], rows)
    table = table if curve == "loess" else table[table["curve"] == "groups"]
    scores = by_model(["label", "score"], [(0, 0.1), (0, 0.3), (1, 0.7), (1, 1.0)])
    return calibration_figure(table, line=LINES[0], evaluation="external", title="Calibration", predictions=scores)


def decision(*, gain=0.1):
    t = np.linspace(0.05, 0.6, 12)
    everyone = 0.3 - 0.7 * t / (1 - t)
    best = np.maximum(everyone, 0) + gain
    rows = list(zip(range(12), t, best, best - 0.05, best + 0.05, strict=True))
    columns = ["point", "threshold", "net_benefit", "ci_low", "ci_high"]
    strategies = []
    for name, values in (("treat_all", everyone), ("treat_none", 0 * t)):
        line = ModelLine(feature_set="all patients", model=name, name=name, style=0)
        strategies.append(
            by_model(columns, list(zip(range(12), t, values, [None] * 12, [None] * 12, strict=True)), lines=[line])
        )
    table = pd.concat([by_model(columns, rows).astype({"ci_low": float, "ci_high": float}), *strategies])
    return decision_figure(table, lines=LINES, evaluation="external", title="Net benefit")


def overview():
    rows = [("auc", 0.8, 0.7, 0.9), ("auc_plain", 0.8, 0.7, 0.9)]
    return overview_figure(by_model(["metric", "estimate", "ci_low", "ci_high"], rows), lines=LINES, title="All AUCs")


def lasso_rows():
    grid = np.geomspace(0.3, 0.001, 30)
    mean = 1 + (np.log10(grid) + 1.5) ** 2
    return pd.DataFrame({"lambda": grid, "cv_mean": mean, "cv_se": 0.2, "n_nonzero": np.arange(30)})


def lasso_path(*, chosen=0.1):
    rows = [(lam, name, sign * (0.3 - lam)) for lam in (0.3, 0.1, 0.001) for name, sign in (("a", 1), ("b", -1))]
    table = pd.DataFrame(rows, columns=["lambda", "feature", "coefficient"])
    return lasso_path_figure(table, title="Path", chosen=chosen)


def coefficients():
    name = "wavelet-LL_glszm_ZoneEntropy@trans"
    rows = [("min", "(intercept)", -1.0), ("min", name, 0.5), ("min", "pc003", -0.25), ("1se", name, 0.2)]
    return coefficient_figure(pd.DataFrame(rows, columns=["rule", "feature", "coefficient"]), title="Bars")


def correlation():
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[:, 2] = -(x[:, 0] ** 3)
    names = ["net.pc001", "radiomics.original_firstorder_Mean@long", "net.pc002"]
    return correlation_figure(pd.DataFrame(x, columns=names), title="Correlations")


def forest(*, names=("below 12", "12 and above"), counts=(15, 25)):
    rows = [
        ("external", "all", "all", *counts, 0.9, 0.8, 0.95, ""),
        ("external", "size_mm", names[0], 8, 12, 0.2, 0.1, 0.4, ""),
        ("external", "size_mm", names[1], 7, 13, 1.0, 0.9, 1.0, ""),
        ("external", "sex", "M", 1, 3, np.nan, np.nan, np.nan, "too few: an AUC needs 5"),
    ]
    columns = ["evaluation", "variable", "level", "n_pos", "n_neg", "auc", "ci_low", "ci_high", "reason"]
    tests = pd.DataFrame({"evaluation": "external", "variable": ["size_mm", "sex"], "p_value": [0.0002, np.nan]})
    return forest_figure(pd.DataFrame(rows, columns=columns), tests, evaluation="external", title="Subgroups")


def sham(*, mean=0.5):
    auc = mean + np.tile([-0.05, 0.05, 0.0, 0.0], 5)
    table = pd.DataFrame({"kind": "all", "repeat": range(20), "auc": auc})
    return sham_figure(table, title="Sham", tolerance={"all": 0.05})


def controls(*, ring=0.7):
    rows = [(name, auc, auc - 0.1, auc + 0.1) for name, auc in (("ring", ring), ("frame", 0.5), ("lesion", 0.85))]
    table = pd.DataFrame([(*row, 60, 120, 5) for row in rows], columns=CONTROLS.names)
    return controls_figure(table, title="Controls")


def dice():
    table = pd.DataFrame({"network": ["unet", "trfe"] * 4, "evaluation": ["cv", "cv", "internal", "internal"] * 2})
    return dice_figure(table.assign(dice=np.linspace(0, 1, 8)), title="Dice")


def areas():
    sizes = pd.DataFrame({"given_voxels": [30, 400, 5000], "predicted_voxels": [20, 500, 6000]})
    return area_figure(sizes, title="Areas")


def fractions():
    rows = [(1, "event", np.array([0.1, 0.3])), (1, "no event", np.array([0.2, 0.9]))]
    table = pd.DataFrame({"habitat": 1, "outcome": ["event", "no event"], "mean": 0.2, "ci_low": 0.1, "ci_high": 0.9})
    return fraction_figure(rows, table=table, title="Habitats")


def beeswarm(*, patients=30):
    x = np.linspace(-1, 1, patients)
    contributions = pd.DataFrame({"radiomics.a long name " * 5: x, "flat": 0.0})
    return beeswarm_figure(contributions, contributions * 3, title="SHAP", unit="log-odds", words=str)


def sizes(*, high=0.5):
    table = pd.DataFrame({"group": ["radiomics", "clinical"], "mean_abs": [0.1, 0.3]})
    return size_figure(table.assign(ci_low=[0.05, np.nan], ci_high=[high, np.nan]), title="Sizes", unit="x", words=str)


def falls():
    table = pd.DataFrame({"block": ["clinical", "radiomics"], "fall": [-0.02, 0.2], "ci_low": [np.nan, 0.1]})
    return fall_figure(table.assign(ci_high=[np.nan, 0.3]), title="Falls")


ALL = {
    "beeswarm": beeswarm,
    "sizes": sizes,
    "falls": falls,
    "dice": dice,
    "areas": areas,
    "fractions": fractions,
    "roc": lambda: roc(with_legend=True),
    "precision_recall": precision_recall,
    "calibration": calibration,
    "calibration_groups": lambda: calibration(curve="groups"),
    "decision": decision,
    "overview": overview,
    "lasso_cv": lambda: lasso_cv_figure(lasso_rows(), title="LASSO"),
    "lasso_path": lasso_path,
    "coefficients": coefficients,
    "correlation": correlation,
    "forest": forest,
    "sham": sham,
    "controls": controls,
}
SVG = "{http://www.w3.org/2000/svg}"


def parsed(figure):
    return ElementTree.fromstring(str(figure).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def words(figure):
    return [node.text for node in parsed(figure).iter(f"{SVG}text")]


def description(figure):
    return parsed(figure).find(f"{SVG}desc").text
