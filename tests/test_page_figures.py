"""page.figures: what every figure must be, and what each must show."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pipeline.page import figures
from pipeline.page.figures.axes import SMALL
from pipeline.page.figures.correlation import clustered
from pipeline.page.figures.feature_words import feature_words

LINES = [
    figures.ModelLine(feature_set="combined", model="lr", name="combined <1>", style=0),
    figures.ModelLine(feature_set="clinical", model="svm", name="clinical", style=1),
    figures.ModelLine(feature_set="net", model="net_head", name="net own head", style=2),
]
KEYS = ["feature_set", "model", "evaluation"]


def by_model(columns, rows, *, lines=LINES):
    """The same rows for every model in evaluation external."""
    every = [(line.feature_set, line.model, "external", *row) for line in lines for row in rows]
    return pd.DataFrame(every, columns=[*KEYS, *columns])


def roc(**more):
    table = by_model(["point", "x", "y"], [(1, 0, 0), (2, 0.2, 0.9), (3, 1, 1)])
    curves = figures.curves_of(table, evaluation="external", lines=LINES, x="x", y="y")
    return figures.roc_figure(curves, title="ROC", **more)


def precision_recall():
    table = by_model(["point", "x", "y"], [(1, 0.4, 1), (2, 1, 0.5)])
    curves = figures.curves_of(table, evaluation="external", lines=LINES, x="x", y="y")
    return figures.precision_recall_figure(curves, title="PR", prevalence=0.3, with_legend=True)


def calibration(*, curve="loess", shift=0.0):
    grid = np.linspace(0.05, 0.9, 12)
    rows = [("loess", n, p, np.clip(p + shift, 0, 1), p - 0.1, p + 0.1, None) for n, p in enumerate(grid)]
    rows += [("groups", n, p, p, p / 2, min(1, p * 1.5), 9) for n, p in enumerate((0.1, 0.4, 0.8))]
    table = by_model(["curve", "point", "predicted", "observed", "ci_low", "ci_high", "n"], rows)
    table = table if curve == "loess" else table[table["curve"] == "groups"]
    scores = by_model(["label", "score"], [(0, 0.1), (0, 0.3), (1, 0.7), (1, 1.0)])
    return figures.calibration_figure(
        table, line=LINES[0], evaluation="external", title="Calibration", predictions=scores
    )


def decision(*, gain=0.1):
    t = np.linspace(0.05, 0.6, 12)
    everyone = 0.3 - 0.7 * t / (1 - t)
    best = np.maximum(everyone, 0) + gain
    rows = list(zip(range(12), t, best, best - 0.05, best + 0.05, strict=True))
    columns = ["point", "threshold", "net_benefit", "ci_low", "ci_high"]
    strategies = []
    for name, values in (("treat_all", everyone), ("treat_none", 0 * t)):
        line = figures.ModelLine(feature_set="all patients", model=name, name=name, style=0)
        strategies.append(
            by_model(columns, list(zip(range(12), t, values, [None] * 12, [None] * 12, strict=True)), lines=[line])
        )
    table = pd.concat([by_model(columns, rows).astype({"ci_low": float, "ci_high": float}), *strategies])
    return figures.decision_figure(table, lines=LINES, evaluation="external", title="Net benefit")


def delong_rows():
    pairs = [(0, 1, 0.21, 0.004), (0, 2, -0.08, 0.4), (2, 1, 0.29, np.nan)]
    rows = [
        (*(LINES[a].feature_set, LINES[a].model, LINES[b].feature_set, LINES[b].model), d, p) for a, b, d, p in pairs
    ]
    return pd.DataFrame(rows, columns=["set_a", "model_a", "set_b", "model_b", "difference", "p_holm"])


def delong():
    return figures.delong_figure(delong_rows(), lines=LINES, title="DeLong")


def overview():
    rows = [("auc", 0.8, 0.7, 0.9), ("auc_plain", 0.8, 0.7, 0.9)]
    return figures.overview_figure(
        by_model(["metric", "estimate", "ci_low", "ci_high"], rows), lines=LINES, title="All AUCs"
    )


def lasso_rows():
    grid = np.geomspace(0.3, 0.001, 30)
    mean = 1 + (np.log10(grid) + 1.5) ** 2
    return pd.DataFrame({"lambda": grid, "cv_mean": mean, "cv_se": 0.2, "n_nonzero": np.arange(30)})


def lasso_path():
    rows = [(lam, name, sign * (0.3 - lam)) for lam in (0.3, 0.1, 0.001) for name, sign in (("a", 1), ("b", -1))]
    table = pd.DataFrame(rows, columns=["lambda", "feature", "coefficient"])
    return figures.lasso_path_figure(table, title="Path", chosen=0.1)


def coefficients():
    name = "wavelet-LL_glszm_ZoneEntropy@trans"
    rows = [("min", "(intercept)", -1.0), ("min", name, 0.5), ("min", "pc003", -0.25), ("1se", name, 0.2)]
    return figures.coefficient_figure(pd.DataFrame(rows, columns=["rule", "feature", "coefficient"]), title="Bars")


def correlation():
    x = np.random.default_rng(0).normal(size=(40, 3))
    x[:, 2] = -(x[:, 0] ** 3)
    names = ["net.pc001", "radiomics.original_firstorder_Mean@long", "net.pc002"]
    return figures.correlation_figure(pd.DataFrame(x, columns=names), title="Correlations")


def forest():
    rows = [
        ("external", "all", "all", 15, 25, 0.9, 0.8, 0.95, ""),
        ("external", "size_mm", "below 12", 8, 12, 0.2, 0.1, 0.4, ""),
        ("external", "size_mm", "12 and above", 7, 13, 1.0, 0.9, 1.0, ""),
        ("external", "sex", "M", 1, 3, np.nan, np.nan, np.nan, "too few: an AUC needs 5"),
    ]
    columns = ["evaluation", "variable", "level", "n_pos", "n_neg", "auc", "ci_low", "ci_high", "reason"]
    tests = pd.DataFrame({"evaluation": "external", "variable": ["size_mm", "sex"], "p_value": [0.0002, np.nan]})
    return figures.forest_figure(pd.DataFrame(rows, columns=columns), tests, evaluation="external", title="Subgroups")


def flow(*, left=1):
    counts = {"patients_source": 10 + left, "patients_left": left, "patients": 10, "events": 4, "images": 12}
    counts |= {"rois": 11, "rois_failed": 1, "train_patients": 7, "train_events": 3, "train_images": 8}
    counts |= {"external_patients": 3, "external_events": 1, "external_images": 4, "patients_no_outline": left}
    table = pd.DataFrame({"step": list(counts), "n": list(counts.values()), "place": "", "unit": "", "rule": None})
    table.loc[table["step"] == "patients_no_outline", ["place", "unit", "rule"]] = ["left", "patients", "no_outline"]
    return figures.flow_figure(table, title="Flow")


def sham(*, mean=0.5):
    auc = mean + np.tile([-0.05, 0.05, 0.0, 0.0], 5)
    table = pd.DataFrame({"kind": "all", "repeat": range(20), "auc": auc})
    return figures.sham_figure(table, title="Sham", tolerance={"all": 0.05})


ALL = {
    "roc": lambda: roc(with_legend=True),
    "precision_recall": precision_recall,
    "calibration": calibration,
    "calibration_groups": lambda: calibration(curve="groups"),
    "decision": decision,
    "delong": delong,
    "overview": overview,
    "lasso_cv": lambda: figures.lasso_cv_figure(lasso_rows(), title="LASSO"),
    "lasso_path": lasso_path,
    "coefficients": coefficients,
    "correlation": correlation,
    "forest": forest,
    "flow": flow,
    "sham": sham,
}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=ALL, ids=str)
def drawn(request):
    return ALL[request.param]


def parsed(figure):
    return ElementTree.fromstring(str(figure).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def words(figure):
    return [node.text for node in parsed(figure).iter(f"{SVG}text")]


def description(figure):
    return parsed(figure).find(f"{SVG}desc").text


def test_is_a_named_and_described_picture(drawn):
    root = parsed(drawn())

    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text
    assert len(description(drawn())) > 40
    assert root.get("aria-label").startswith(root.find(f"{SVG}title").text)


def test_holds_no_id_script_or_link_and_is_the_same_every_time(drawn):
    assert not re.search(r"\sid=|<script|href|url\(|\son\w+=", drawn())
    assert drawn() == drawn()
    assert "nan" not in re.sub(r"<(title|desc|text).*?</\1>", "", drawn())


def test_all_that_is_drawn_lies_inside(drawn):
    root = parsed(drawn())
    _, _, width, height = map(float, root.get("viewBox").split())
    for node in root.iter(f"{SVG}text"):
        assert 0 <= float(node.get("x")) <= width
        assert 8 <= float(node.get("y")) <= height
    for node in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(node.get(name)) for name in ("x", "y", "width", "height"))
        inside_a_group = x < 0  # marks of a legend are drawn around (0, 0)
        assert inside_a_group or (x >= 0 and x + w <= width and y >= 0 and y + h <= height)


def test_type_is_eleven_pixels_on_a_phone(drawn):
    width = float(parsed(drawn()).get("viewBox").split()[2])

    assert SMALL * 360 / width >= 11


def test_words_of_the_data_are_escaped():
    assert "combined &lt;1&gt;" in roc()
    assert "combined <1>" in words(roc(with_legend=True))


def test_calibration_says_on_which_side_the_curve_lies():
    assert "above the diagonal at low" in description(calibration(shift=0.08))
    assert "close to the diagonal at low" in description(calibration())
    assert calibration().count("<polyline") == 1
    assert calibration(curve="groups").count("<polyline") == 0
    missing = figures.calibration_figure(
        by_model(["curve", "point"], []), line=LINES[0], evaluation="external", title="None"
    )
    assert missing is None


def test_histogram_counts_upwards_and_downwards():
    assert (calibration().count('class="dot event"'), calibration().count('class="dot other"')) == (2, 2)


def test_decision_curve_says_where_the_model_helps():
    assert "at all of them" in description(decision(gain=0.1))
    assert "at none of them" in description(decision(gain=-0.05))
    assert {"treat all", "treat none", "20 %", "combined <1>"} <= set(words(decision()))
    assert decision().count('class="band"') == 1


def test_heat_map_shows_every_pair_with_its_sign_and_p_value():
    assert {"+0.21", "p .004", "−0.08", "p .400", "−0.29"} & set(words(delong())) >= {"+0.21", "p .004", "−0.08"}
    assert "−0.29" in words(delong())  # stored as net less clinical, shown as clinical less net
    assert delong().count('class="hatch"') == 2 + 1  # two cells and the key
    assert delong().count('class="outline strong"') == 1 + 1
    assert "combined <1> above clinical" in description(delong())


def test_heat_map_needs_two_models():
    assert figures.delong_figure(delong_rows().iloc[:0], lines=LINES, title="None") is None


def test_overview_takes_the_auc_with_its_interval():
    assert words(overview()).count("0.80 (0.70–0.90)") == len(LINES)
    assert figures.overview_figure(by_model(["metric", "estimate"], []), lines=LINES, title="None") is None


def test_lasso_marks_both_penalties():
    figure = figures.lasso_cv_figure(lasso_rows(), title="LASSO")

    # log10 of lambda falls by 0.0854 from -0.523: nearest to -1.5 at place 11, within the root of 0.2 from place 7 on.
    assert "where 11 features are kept" in description(figure)
    assert "7 are enough" in description(figure)
    assert {"lowest", "1 SE"} <= set(words(figure))
    assert figures.lasso_cv_figure(lasso_rows().iloc[:0], title="None") is None


def test_coefficients_of_both_rules():
    figure = coefficients()

    assert "Zone entropy (glszm, wavelet-LL; trans)" in words(figure)
    assert {"0.5", "−0.25"} <= set(words(figure))
    assert figure.count('class="fill"') == 2 + 1
    assert figure.count('class="beam open"') == 1 + 1
    nothing = pd.DataFrame({"rule": ["min"], "feature": ["(none)"], "coefficient": [0.0]})
    assert figures.coefficient_figure(nothing, title="None") is None


def test_correlation_finds_the_pair_that_goes_together():
    assert "goes against each other: net: component" in description(correlation())
    assert figures.correlation_figure(pd.DataFrame({"a": [1.0, 2.0]}), title="None") is None


def test_clustering_puts_like_by_like():
    rho = np.array([[1, 0, 0.9, 0], [0, 1, 0, -0.8], [0.9, 0, 1, 0], [0, -0.8, 0, 1]])
    order = clustered(rho).tolist()

    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


def test_forest_shows_every_level_and_its_test():
    assert {"all patients, 15 / 25", "below 12, 8 / 12", "size (mm)", "M, 1 / 3", "too few for an AUC"} <= set(
        words(forest())
    )
    assert "interaction p < 0.001" in words(forest())
    assert "lowest where size (mm) is below 12. Interaction before correction for: size (mm)." in description(forest())


def test_flow_counts_every_box():
    assert {"11 patients", "1 patient: no outline", "10 patients analysed", "7 patients", "3 patients"} <= set(
        words(flow())
    )
    assert "Left out: nobody" in words(flow(left=0))


def test_sham_says_whether_the_mean_is_where_chance_puts_it():
    assert "within what chance allows" in description(sham())
    assert "above one half" in description(sham(mean=0.7))
    assert sham().count('class="dot open"') == 20


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("original_shape2D_Sphericity@long", "Sphericity (shape2D, original image; long)"),
        ("log-sigma-3-0-mm-3D_glrlm_LongRunEmphasis", "Long run emphasis (glrlm, LoG 3.0 mm)"),
        ("log-sigma-1-0-mm-3D_glcm_Imc1@trans", "Imc1 (glcm, LoG 1.0 mm; trans)"),
        ("pc007", "component 7"),
        ("missing@trans", "no image of view trans"),
        ("my_marker", "my_marker"),
    ],
)
def test_features_in_words(name, shown):
    assert feature_words(name) == shown


def test_interval_bar_is_empty_without_an_estimate():
    assert figures.interval_bar("", low="", high="", floor=0.4) == ""
    assert 'd="M4.0 8H116.0"' in figures.interval_bar("0.8", low="0.2", high="1", floor=0.4)
