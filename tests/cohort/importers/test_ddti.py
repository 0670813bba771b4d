import json
from collections import Counter

import pytest
from places import SHARED_DATA
from pydantic import ValidationError

from pipeline.cohort.importers.ddti import DdtiParams, read
from pipeline.foundation.errors import CohortError

REAL = SHARED_DATA / "ddti"
TRIANGLE = [{"x": 1, "y": 2}, {"x": 9, "y": 2}, {"x": 5, "y": 8}]


def region(points, kind="freehand"):
    return {"points": points, "annotation": {}, "regionType": kind}


def case(root, number, *svgs, tirads="3", age="50", sex="F", image=True):
    """Write case `number` with one image per mark; an svg is text or a list of regions."""
    for name in ("images", "xml"):
        (root / name).mkdir(exist_ok=True)
    marks = ""
    for n, svg in enumerate(svgs, start=1):
        text = svg if isinstance(svg, str) else json.dumps(svg)
        marks += f"<mark><image>{n}</image><svg>{text}</svg></mark>"
        if image:
            (root / f"images/{number}_{n}.jpg").write_bytes(b"")
    fields = f"<age>{age}</age><sex>{sex}</sex><composition>solid</composition><tirads>{tirads}</tirads>"
    (root / f"xml/{number}.xml").write_text(f"<case><number>{number}</number>{fields}{marks}</case>")


def found(result):
    return [(f.id, f.check, f.severity) for f in result.findings]


def test_grade_age_sex_and_polygons(tmp_path):
    case(tmp_path, "7", [region(TRIANGLE)], tirads="4a", age="61 ", sex="M")
    case(tmp_path, "8", [region(TRIANGLE), region([*TRIANGLE, {"x": 0, "y": 0}])], tirads="2")

    result = read(tmp_path, params=DdtiParams())

    assert found(result) == []
    assert result.patients["label"].tolist() == [1, 0]
    assert result.patients["age"].tolist() == [61.0, 50.0]
    assert result.patients.columns.tolist() == ["patient_id", "label", "site", "cohort", "age", "sex"]
    assert [i.image_id for i in result.images] == ["7_1", "8_1"]
    assert result.images[0].lesion.polygons == (((1.0, 2.0), (9.0, 2.0), (5.0, 8.0)),)
    assert len(result.images[1].lesion.polygons) == 2


def test_a_truncated_text_is_not_used_even_with_whole_polygons_before_the_cut(tmp_path):
    cut = json.dumps([region(TRIANGLE), region(TRIANGLE)])[:-60]
    case(tmp_path, "7", cut, [region(TRIANGLE)])
    case(tmp_path, "8", cut)

    result = read(tmp_path, params=DdtiParams())

    assert found(result) == [("7_1", "cut_polygon_text", "warning"), ("8_1", "cut_polygon_text", "warning")]
    assert [(d.scope, d.id, d.rule) for d in result.dropped] == [
        ("image", "7_1", "no_outline"),
        ("image", "8_1", "no_outline"),
        ("patient", "8", "no_outline"),
    ]
    assert [i.image_id for i in result.images] == ["7_2"]


@pytest.mark.parametrize("text", ["null", "5", '"text"', "{}", "[" * 100_000, "[1" + "0" * 5000 + "]"])
def test_a_text_that_is_no_list_of_regions_is_not_used(tmp_path, text):
    case(tmp_path, "7", text, [region(TRIANGLE)])

    result = read(tmp_path, params=DdtiParams())

    assert ("7_1", "cut_polygon_text", "warning") in found(result) or found(result)[0][1] == "short_outline"
    assert [i.image_id for i in result.images] == ["7_2"]


@pytest.mark.parametrize("points", [None, 5, [None], [{"x": "a", "y": 1}], [{"x": 10**400, "y": 1}] * 3, {}])
def test_points_that_are_no_numbers_are_not_a_contour(tmp_path, points):
    case(tmp_path, "7", [region(points)], [region(TRIANGLE)])

    result = read(tmp_path, params=DdtiParams())

    assert ("7_1", "short_outline", "warning") in found(result)
    assert [i.image_id for i in result.images] == ["7_2"]


def test_an_xml_in_an_unknown_encoding_is_an_error_of_its_case(tmp_path):
    case(tmp_path, "7", [region(TRIANGLE)])
    (tmp_path / "xml/8.xml").write_text('<?xml version="1.0" encoding="nothing"?><case/>')

    assert found(read(tmp_path, params=DdtiParams())) == [("8", "xml_unreadable", "error")]


def test_arrows_lines_and_repeats_are_not_contours(tmp_path):
    arrow = region(TRIANGLE[:2], kind="arrow")
    case(tmp_path, "7", [arrow, region(TRIANGLE), region(TRIANGLE)], [region(TRIANGLE[:2])])

    result = read(tmp_path, params=DdtiParams())

    assert found(result) == [
        ("7_1", "not_an_outline", "info"),
        ("7_1", "repeated_outline", "info"),
        ("7_2", "short_outline", "warning"),
    ]
    assert len(result.images[0].lesion.polygons) == 1
    assert [d.id for d in result.dropped] == ["7_2"]


def test_without_a_grade_there_is_no_label(tmp_path):
    case(tmp_path, "7", [region(TRIANGLE)], tirads="")
    case(tmp_path, "8", [region(TRIANGLE)], tirads="3")

    assert [(d.id, d.rule) for d in read(tmp_path, params=DdtiParams()).dropped] == [("7", "unlabelled")]
    assert found(read(tmp_path, params=DdtiParams(unlabelled="error"))) == [("7", "unlabelled", "error")]
    assert read(tmp_path, params=DdtiParams(negative=("2",))).patients.empty


def test_empty_and_invalid_fields_are_missing(tmp_path):
    case(tmp_path, "7", [region(TRIANGLE)], age="", sex="u")
    case(tmp_path, "8", [region(TRIANGLE)], age="old", sex="")
    case(tmp_path, "9", [region(TRIANGLE)], age="33", sex="f")

    result = read(tmp_path, params=DdtiParams())

    assert result.patients["age"].isna().tolist() == [True, True, False]
    assert result.patients["sex"].isna().tolist() == [True, True, False]
    assert found(result) == [
        ("8", "age", "warning"),
        ("age", "missing_values", "info"),
        ("sex", "missing_values", "info"),
    ]


def test_images_without_xml_and_xml_without_images(tmp_path):
    case(tmp_path, "7", [region(TRIANGLE)], image=False)
    case(tmp_path, "8", [region(TRIANGLE)])
    (tmp_path / "images/9_1.jpg").write_bytes(b"")
    (tmp_path / "xml/10.xml").write_text("<case><number>10</case>")

    result = read(tmp_path, params=DdtiParams())

    assert sorted(found(result)) == [
        ("10", "xml_unreadable", "error"),
        ("7_1", "image_missing", "error"),
        ("9", "xml_missing", "warning"),
    ]
    assert [i.image_id for i in result.images] == ["8_1"]


def test_descriptors_are_opt_in_with_a_warning(tmp_path):
    case(tmp_path, "7", [region(TRIANGLE)])

    result = read(tmp_path, params=DdtiParams(descriptors=True))

    assert result.patients["composition"].tolist() == ["solid"]
    assert found(result) == [("descriptors", "restates_label", "warning")]


def test_wrong_root_and_wrong_grades(tmp_path):
    with pytest.raises(CohortError, match="images and xml missing"):
        read(tmp_path, params=DdtiParams())
    with pytest.raises(ValidationError, match="share none"):
        DdtiParams(positive=("3", "5"))


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the real DDTI images beside the project")
def test_the_real_ddti():
    result = read(REAL, params=DdtiParams())

    # 480 images of 390 cases. 92 have no TI-RADS (all 6 empty contour texts are theirs); 8 texts are truncated, which
    # excludes the only image of 7 cases.
    assert (len(result.images), len(result.patients)) == (341, 291)
    assert result.patients["label"].value_counts().to_dict() == {1: 240, 0: 51}
    assert Counter((d.scope, d.rule) for d in result.dropped) == {
        ("patient", "unlabelled"): 92,
        ("image", "no_outline"): 8,
        ("patient", "no_outline"): 7,
    }
    assert Counter(f.check for f in result.findings) == {
        "repeated_outline": 9,
        "cut_polygon_text": 8,
        "not_an_outline": 8,
        "missing_values": 1,
    }
    assert result.patients["age"].notna().all()
    assert result.patients["sex"].isna().sum() == 15
