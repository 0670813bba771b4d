"""contributions: dots and bars lie where their numbers are, the largest first."""

import pandas as pd
import pytest
from figure_examples import SVG, beeswarm, description, falls, parsed, sizes, words

from pipeline.report.figures.contributions import MAX_DOTS, beeswarm_figure, fall_figure, size_figure


def dots(figure, size):
    return [node for node in parsed(figure).iter(f"{SVG}circle") if node.get("r") == size]


def test_a_dot_per_patient_from_left_to_right_and_light_to_dark():
    first = dots(beeswarm(), "2.6")[:30]

    assert [float(dot.get("cx")) for dot in first] == sorted(float(dot.get("cx")) for dot in first)
    assert (first[0].get("fill"), first[-1].get("fill")) == ("#eef3f8", "#0b3d63")
    assert "One dot per patient" in description(beeswarm())


def test_of_many_patients_a_fixed_number_is_drawn():
    assert len(dots(beeswarm(patients=400), "2.6")) == 2 * MAX_DOTS


def test_bars_are_sorted_and_have_their_intervals():
    root = parsed(sizes())
    bars = [float(node.get("width")) for node in root.iter(f"{SVG}rect")]

    assert words(sizes()).index("clinical") < words(sizes()).index("radiomics")
    assert bars[0] / bars[1] == pytest.approx(3, abs=0.001)
    assert sum(node.get("class") == "whisker" for node in root.iter(f"{SVG}path")) == 1


def test_the_largest_fall_comes_first_and_zero_is_marked():
    shown = words(falls())

    assert shown.index("radiomics") < shown.index("clinical")
    assert "radiomics" in description(falls())
    (rule,) = [node for node in parsed(falls()).iter(f"{SVG}path") if node.get("class") == "rule"]
    clinical = list(parsed(falls()).iter(f"{SVG}circle"))[1]
    assert float(clinical.get("cx")) < float(rule.get("d").split()[0].removeprefix("M"))


def test_nothing_to_draw_gives_no_figure():
    empty = pd.DataFrame(columns=["group", "mean_abs", "ci_low", "ci_high"])

    assert beeswarm_figure(pd.DataFrame(), pd.DataFrame(), title="t", unit="x", words=str) is None
    assert size_figure(empty, title="t", unit="x", words=str) is None
    assert fall_figure(pd.DataFrame({"block": ["a"], "fall": [float("nan")]}), title="t") is None
