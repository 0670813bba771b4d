"""case_waterfalls: a drawing for each case that is shown, and none without contributions."""

import numpy as np
import pandas as pd
import pytest
from contribution_tables import explained as explained_of
from contribution_tables import part_model, two_sets

from pipeline.contracts.reports.explain import EXPLAIN
from pipeline.explain.case_waterfalls import case_waterfalls, value_label
from pipeline.explain.examples import Example, explain_table
from pipeline.foundation.pseudonyms import Pseudonyms

NAMES = Pseudonyms(patients=["p00", "p01", "p02", "p03"], images=[])
EMPTY = np.zeros((4, 4), dtype=np.uint8)


def example(patient):
    about = {"kind": "true positive", "view": "long", "score": 0.9, "threshold": 0.4}
    return Example(patient_id=patient, image_id=f"{patient}_x", planes=EMPTY[np.newaxis], lesion=EMPTY, **about)


EXAMPLES = [example("p03"), example("p01")]
TABLE = explain_table(EXAMPLES, maps=[None, None], names=NAMES, network=None, kind="grad_cam")


def drawn(explained, examples=EXAMPLES, table=TABLE):
    return case_waterfalls(table, examples=examples, explained=explained, largest=2)


def test_each_case_has_its_own_drawing_base_and_output():
    first = two_sets()[0]
    table, drawings = drawn(first)

    assert EXPLAIN.faults(table) == []
    assert list(table["waterfall"]) == ["1_true_positive.svg", "2_true_positive.svg"] == [name for name, _ in drawings]
    assert list(table["output"]) == pytest.approx(list(first.outputs()[["p03", "p01"]]))
    assert set(table["unit"]) == {"log-odds"}
    assert b"patient #4" in drawings[0][1]
    assert b"p03" not in drawings[0][1]


@pytest.mark.parametrize("explained", [None, explained_of(part_model("all", {}))], ids=["off", "no feature"])
def test_without_contributions_the_columns_are_empty(explained):
    table, drawings = drawn(explained)

    assert drawings == []
    assert EXPLAIN.faults(table) == []
    assert table[["waterfall", "unit", "base", "output"]].isna().all(axis=None)


def test_without_an_example_there_is_no_drawing():
    table, drawings = drawn(two_sets()[0], [], TABLE.head(0))

    assert (len(table), drawings) == (0, [])
    assert isinstance(table, pd.DataFrame)


def test_labels_are_words_with_a_value():
    assert value_label("clinical.size_mm", 11.3) == "size mm = 11.3"
    assert value_label("radiomics.original_glcm_Idm@long", -1.23456) == "Idm (glcm, original image; long) = −1.23"
    assert value_label("carnet.pc002@long (part b)", 0.5) == "carnet: component 2 (part b) = 0.5"
