"""waterfall: bars from the base to the output, the sign by side and filling, and no text that could break the page."""

from xml.etree import ElementTree

import numpy as np
import pytest

from pipeline.explain.waterfall import waterfall

SVG = "{http://www.w3.org/2000/svg}"
VALUES, LABELS = np.array([0.5, -1.25, 0.25, 0.0625]), ["age = 63", "<b>size</b> & more", "c", "d"]


def drawn(**more):
    given = {"base": -0.5, "output": -0.9375, "labels": LABELS, "unit": "log-odds", "largest": 2, "title": "patient #1"}
    return waterfall(VALUES, **(given | more))


def test_bars_lead_from_the_base_to_the_output_largest_first():
    root = ElementTree.fromstring(drawn())
    places = [(float(bar.get("x")), float(bar.get("width")), bar.get("fill")) for bar in root.iter(f"{SVG}rect")]
    bars = [(x, x + width, fill) for x, width, fill in places]
    words = [node.text for node in root.iter(f"{SVG}text")]

    (size_end, size_start, size_fill), (age_start, age_end, age_fill), (rest_start, rest_end, _) = bars
    assert (size_fill, age_fill) == ("#fff", "#0b3d63")
    assert size_end == age_start
    assert age_end == rest_start
    scale = (size_start - size_end) / 1.25
    assert rest_end - size_start == pytest.approx(-0.4375 * scale, abs=0.1)
    assert words == [
        "Base: −0.50",
        *("<b>size</b> & more", "−1.25", "age = 63", "+0.50", "2 other features", "+0.31"),
        "Output of the classifier: −0.94 (log-odds)",
    ]


def test_one_feature_beyond_the_limit_is_named_and_not_called_others():
    words = drawn(largest=3).decode()

    assert "other features" not in words
    assert ">d<" in words


def test_texts_are_escaped_and_lie_inside():
    root = ElementTree.fromstring(drawn(labels=["a long name " * 12, *LABELS[1:]], largest=9))
    _, _, width, height = map(float, root.get("viewBox").split())

    assert "<b>" not in drawn().decode()
    for node in root.iter(f"{SVG}text"):
        assert 0 <= float(node.get("x")) <= width
        assert 8 <= float(node.get("y")) <= height
    assert root.find(f"{SVG}title").text == "patient #1"
    assert "a long name : +0.50; c: +0.25" in root.find(f"{SVG}desc").text


def test_the_same_input_gives_the_same_bytes_and_no_contribution_no_error():
    assert drawn() == drawn()
    nothing = waterfall(np.zeros(1), base=0.5, output=0.5, labels=["a"], unit="probability", largest=3, title="t")
    assert b"nan" not in nothing


def test_contributions_that_do_not_lead_to_the_output_are_refused():
    with pytest.raises(ValueError, match=r"must be the output \(0\)"):
        drawn(output=0.0)
    with pytest.raises(ValueError, match=r"labels \(1\) must be as many as contributions \(4\)"):
        drawn(labels=["a"])
