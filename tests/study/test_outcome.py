import pytest
from own_study import write_rows

from pipeline.foundation.errors import CohortError
from pipeline.study.outcome import check_outcome

CASES = {
    "none": (("stage",), [("I",), ("II",), ("III",)], r"no other column has two values; add it: label must be 1 for"),
    "one": (
        ("malignant",),
        [("0",), ("1",), ("",)],
        r"if malignant of m\.csv \(0, 1\) is the outcome, name it label",
    ),
    "two": (
        ("malignant", "relapse"),
        [("0", "no"), ("1", "yes"), ("1", "")],
        r"2 columns have two values: malignant of m\.csv \(0, 1\), relapse of m\.csv \(no, yes\); which one is the "
        r"outcome is not guessed: name it label",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_an_outcome_that_is_not_named_is_asked_for(tmp_path, case):
    head, cells, sentence = CASES[case]
    rows = [(f"P{n}", f"{n}.png", *more) for n, more in enumerate(cells)]
    write_rows(tmp_path / "m.csv", ("patient_id", "image", *head), *rows)

    with pytest.raises(CohortError, match=sentence):
        check_outcome(tmp_path / "m.csv", clinical=None)


def test_the_columns_of_the_clinical_table_count(tmp_path):
    write_rows(tmp_path / "m.csv", ("patient_id", "image", "view"), ("1", "a.png", "x"), ("2", "b.png", "y"))
    write_rows(tmp_path / "clinical.csv", ("patient_id", "sex"), ("1", "F"), ("2", "M"), ("3", ""))

    with pytest.raises(CohortError, match=r"if sex of clinical\.csv \(F, M\) is the outcome, name it label in m\.csv"):
        check_outcome(tmp_path / "m.csv", clinical=tmp_path / "clinical.csv")


def test_a_named_outcome_is_taken(tmp_path):
    write_rows(tmp_path / "m.csv", ("patient_id", "image", "label", "sex"), ("1", "a.png", "0", "F"))

    check_outcome(tmp_path / "m.csv", clinical=None)
