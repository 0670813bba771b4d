"""figures: the rules that every figure follows."""

import re

import pytest
from figure_examples import ALL, SVG, description, parsed

from pipeline.report.figures.axes import SMALL


@pytest.fixture(params=ALL, ids=str)
def drawn(request):
    return ALL[request.param]


def test_picture_has_a_title_and_a_description(drawn):
    root = parsed(drawn())

    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text
    assert len(description(drawn())) > 40
    assert root.get("aria-label").startswith(root.find(f"{SVG}title").text)


def test_has_no_id_script_or_link_and_is_the_same_every_time(drawn):
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
