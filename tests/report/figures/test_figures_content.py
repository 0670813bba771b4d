"""figures: what each figure must show."""

import numpy as np
import pandas as pd
import pytest
from figure_examples import (
    LINES,
    by_model,
    calibration,
    coefficients,
    correlation,
    decision,
    description,
    forest,
    lasso_path,
    lasso_rows,
    overview,
    roc,
    sham,
    words,
)

from pipeline.plan.feature_names import feature_words
from pipeline.report.figures.calibration import calibration_figure
from pipeline.report.figures.correlation import clustered, correlation_figure
from pipeline.report.figures.intervals import interval_bar
from pipeline.report.figures.lasso import coefficient_figure, lasso_cv_figure
from pipeline.report.figures.overview import overview_figure


def test_names_from_the_data_are_escaped():
    assert "combined &lt;1&gt;" in roc()
    assert "combined <1>" in words(roc(with_legend=True))


def test_calibration_states_on_which_side_the_curve_lies():
    assert "above the diagonal at low" in description(calibration(shift=0.08))
    assert "close to the diagonal at low" in description(calibration())
    assert calibration().count("<polyline") == 1
    assert calibration(curve="groups").count("<polyline") == 0
    missing = calibration_figure(by_model(["curve", "point"], []), line=LINES[0], evaluation="external", title="None")
    assert missing is None


def test_histogram_counts_upwards_and_downwards():
    assert (calibration().count('class="dot event"'), calibration().count('class="dot other"')) == (2, 2)


def test_decision_curve_states_where_the_model_helps():
    assert "at all of them" in description(decision(gain=0.1))
    assert "at none of them" in description(decision(gain=-0.05))
    assert {"treat all", "treat none", "20 %", "combined <1>"} <= set(words(decision()))
    assert decision().count('class="band"') == 1


def test_overview_shows_the_auc_with_its_interval():
    assert words(overview()).count("0.80 (0.70–0.90)") == len(LINES)
    assert overview_figure(by_model(["metric", "estimate"], []), lines=LINES, title="None") is None


def test_lasso_marks_both_penalties():
    figure = lasso_cv_figure(lasso_rows(), title="LASSO")

    # log10 of lambda falls by 0.0854 from -0.523: nearest to -1.5 at place 11, within the root of 0.2 from place 7 on.
    assert "kept where it is lowest: 11" in description(figure)
    assert "within one standard error of that: 7" in description(figure)
    assert {"lowest", "1 SE"} <= set(words(figure))
    assert lasso_cv_figure(lasso_rows().iloc[:0], title="None") is None


def test_coefficients_of_both_rules():
    figure = coefficients()

    assert "Zone entropy (glszm, wavelet-LL; trans)" in words(figure)
    assert {"0.5", "−0.25"} <= set(words(figure))
    assert figure.count('class="fill"') == 2 + 1
    assert figure.count('class="beam open"') == 1 + 1
    nothing = pd.DataFrame({"rule": ["min"], "feature": ["(none)"], "coefficient": [0.0]})
    assert coefficient_figure(nothing, title="None") is None


def test_correlation_names_the_strongest_pair():
    assert "negatively correlated: net: component" in description(correlation())
    assert correlation_figure(pd.DataFrame({"a": [1.0, 2.0]}), title="None") is None


def test_clustering_places_similar_features_side_by_side():
    rho = np.array([[1, 0, 0.9, 0], [0, 1, 0, -0.8], [0.9, 0, 1, 0], [0, -0.8, 0, 1]])
    order = clustered(rho).tolist()

    assert abs(order.index(0) - order.index(2)) == 1
    assert abs(order.index(1) - order.index(3)) == 1


def test_forest_shows_every_level_and_its_test():
    assert {"all patients, 15 / 25", "below 12, 8 / 12", "size (mm)", "M, 1 / 3", "too few for an AUC"} <= set(
        words(forest())
    )
    assert "interaction p <0.001" in words(forest())
    assert "lowest where size (mm) is below 12. Interaction before correction for: size (mm)." in description(forest())


def test_forest_shortens_all_patients_if_their_counts_are_long():
    assert "all, 115 / 225" in words(forest(counts=(115, 225)))


def test_sham_states_whether_the_mean_is_within_chance():
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
        ("carnet_logit", "logit of carnet"),
        ("carnet_logit@long", "logit of carnet (long)"),
        ("habitat_1_fraction@long", "fraction (habitat 1; long)"),
        ("habitat_2_original_glcm_Contrast", "Contrast (glcm, original image; habitat 2)"),
        ("contact_1_2@trans", "contact (habitats 1 and 2; trans)"),
    ],
)
def test_features_in_words(name, shown):
    assert feature_words(name) == shown


def test_interval_bar_is_empty_without_an_estimate():
    assert interval_bar("", low="", high="", floor=0.4) == ""
    assert 'd="M4.0 8H116.0"' in interval_bar("0.8", low="0.2", high="1", floor=0.4)


def test_path_marks_a_penalty_beyond_the_last_feature():
    assert "chosen" in words(lasso_path(chosen=0.9))
    assert {"a", "b"} <= set(words(lasso_path()))


def test_correlation_states_how_many_features_it_shows():
    many = pd.DataFrame(np.random.default_rng(1).normal(size=(30, 27)), columns=[f"net.pc{n:03d}" for n in range(27)])

    assert "The first 25 of 27 features." in words(correlation_figure(many, title="Many"))
