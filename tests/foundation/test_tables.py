import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.contracts.data.benchmark import PREDICTIONS
from pipeline.contracts.data.split import SPLITS
from pipeline.foundation.errors import TableError
from pipeline.foundation.tables import (
    Column,
    Contract,
    fraction,
    integer,
    number,
    read_csv,
    read_table,
    text,
    write_csv,
    write_table,
)

SIMPLE = Contract(
    name="simple",
    key=("id",),
    columns=(Column(name="id"), Column(name="value", kind="number", required=False)),
)


def test_ids_stay_text(tmp_path):
    write_table(pd.DataFrame({"id": ["007", "07"], "value": [1.0, 2.0]}), tmp_path / "a.csv", SIMPLE)

    assert list(read_table(tmp_path / "a.csv", SIMPLE)["id"]) == ["007", "07"]


def test_the_word_na_is_text_and_empty_is_missing(tmp_path):
    (tmp_path / "a.csv").write_text("id,value\nNA,\nnan,3\n", encoding="utf-8")

    table = read_table(tmp_path / "a.csv", SIMPLE)

    assert list(table["id"]) == ["NA", "nan"]
    assert list(table["value"].isna()) == [True, False]


def test_rows_are_sorted_and_key_columns_come_first(tmp_path):
    write_table(pd.DataFrame({"value": [1, 2], "id": ["b", "a"]}), tmp_path / "a.csv", SIMPLE)

    assert (tmp_path / "a.csv").read_text() == "id,value\na,2\nb,1\n"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_survive_bit_for_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("t") / "a.csv"
    ids = [f"{i:03d}" for i in range(len(numbers))]
    write_table(pd.DataFrame({"id": ids, "value": np.array(numbers, dtype=float)}), path, SIMPLE)

    assert list(read_table(path, SIMPLE)["value"].astype(float)) == numbers


def test_all_faults_at_once_as_sentences(tmp_path):
    table = pd.DataFrame({"resample": ["r", "r"], "patient_id": ["1", "1"], "role": ["train", "tester"], "x": [1, 2]})

    with pytest.raises(TableError) as error:
        write_table(table, tmp_path / "s.csv", SPLITS)

    message = str(error.value)
    assert "column 'half' is missing" in message
    assert "column 'x' is not known" in message
    assert "1 values are not one of train, cv, internal, external, first 'tester' in row 3" in message
    assert "more than one row for resample = r, patient_id = 1" in message
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("score", [-0.1, 1.1, np.inf])
def test_a_score_outside_0_to_1_is_refused(tmp_path, score):
    row = {
        "feature_set": "clinical",
        "model": "lr",
        "resample": "final",
        "patient_id": "1",
        "evaluation": "external",
        "label": 1,
        "score": score,
        "threshold": 0.5,
    }

    with pytest.raises(TableError, match="column 'score'"):
        write_table(pd.DataFrame([row]), tmp_path / "p.csv", PREDICTIONS)


def test_empty_table_keeps_its_header(tmp_path):
    empty = PREDICTIONS.empty()
    write_table(empty, tmp_path / "p.csv", PREDICTIONS)

    assert list(read_table(tmp_path / "p.csv", PREDICTIONS).columns) == [
        *PREDICTIONS.key,
        "evaluation",
        "label",
        "score",
        "threshold",
    ]


def test_unreadable_and_missing_files_are_one_sentence(tmp_path):
    (tmp_path / "latin.csv").write_bytes(b"id\n\xff\xfe\xfa\n")

    with pytest.raises(TableError, match="not readable as a UTF-8"):
        read_csv(tmp_path / "latin.csv")
    with pytest.raises(TableError, match="there is no such table"):
        read_csv(tmp_path / "none.csv")


def test_names_and_the_empty_table_exclude_optional_columns():
    contract = Contract(name="t", key=("id",), columns=(text("id"), Column(name="more", optional=True), number("x")))

    assert contract.names == ["id", "x"]
    assert list(contract.empty().columns) == ["id", "x"]
    assert contract.empty().empty


@pytest.mark.parametrize(
    ("column", "good", "bad", "rule"),
    [
        (text("c", choices=("a", "b")), "a", "c", "one of a, b"),
        (number("c"), -0.5, np.inf, "finite numbers"),
        (integer("c"), 3, 0.5, "whole numbers"),
        (fraction("c"), 0.5, 1.5, "between 0 and 1"),
    ],
)
def test_a_shorthand_column_checks_its_kind(column, good, bad, rule):
    contract = Contract(name="t", key=(), columns=(column,), unique_key=False)

    assert contract.faults(pd.DataFrame({"c": [good]})) == []
    assert contract.faults(pd.DataFrame({"c": [good, bad]})) == [
        f"column 'c': 1 values are not {rule}, first '{bad}' in row 3"
    ]
    assert contract.faults(pd.DataFrame({"c": [good, None]})) == ["column 'c': 1 empty values, first in row 3"]


def test_a_shorthand_column_that_is_not_required_may_be_empty():
    columns = (text("a", required=False), number("b", required=False), integer("c", required=False))
    contract = Contract(name="t", key=(), columns=(*columns, fraction("d", required=False)), unique_key=False)

    assert contract.faults(pd.DataFrame([dict.fromkeys("abcd")])) == []


@pytest.mark.parametrize("break_", ["\r", "\r\n", "\n"])
def test_a_line_break_inside_a_cell_or_a_name_does_not_end_the_row(tmp_path, break_):
    table = pd.DataFrame({"id": ["a", "b"], "note": [f"one{break_}two", None], f"x{break_}y": [1.5, 2.5]})
    write_csv(table, tmp_path / "table.csv")
    again = read_csv(tmp_path / "table.csv", text_columns=["id", "note"])

    assert list(again) == ["id", "note", "x\ny"]
    assert again["note"].tolist()[0] == "one\ntwo"
    assert again["x\ny"].tolist() == [1.5, 2.5]
