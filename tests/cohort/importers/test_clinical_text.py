"""clinical_text: columns of a user's table as a spreadsheet exports them."""

import pandas as pd
import pytest

from pipeline.cohort.importers.clinical_text import clinical_column


def column(*cells, name="x"):
    texts = [str(cell) for cell in cells]
    return pd.Series(texts, index=range(2, 2 + len(texts)), name=name, dtype="str")


def read(*cells):
    return clinical_column(column(*cells), place="clinical.csv")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "", "-3e-1"], "number"),
        (["", "", ""], "number"),  # empty
        (["F", "M", "", "F"], "text"),
        (["2", "3", "4a", "4b", "4c", "5", "4a"], "text"),  # TI-RADS
        (["+", "-", "++", "-"], "text"),
        (["<5", ">=5", "<5"], "text"),
        (["none", "micro", "macro", "unknown"], "text"),
        (["T1", "T2", "Tis"], "text"),
        (["A", "AB", "B", "0"], "text"),  # blood groups
        (["may", "march", "may"], "text"),  # words that months are called, too
        (["20210309", "1", "2", "3"], "number"),
        (["2019", "2020", "2021", "2022", "2023"], "number"),  # years
    ],
)
def test_columns_without_a_fault(cells, kind):
    values, findings = read(*cells)
    assert findings == []
    assert pd.api.types.is_numeric_dtype(values) == (kind == "number")
    assert values.isna().sum() == cells.count("")


@pytest.mark.parametrize(
    ("cells", "check", "text"),
    [
        (
            ["3,5", "4,1", "5", "6,25"],
            "not_numeric",
            "'3,5', '4,1', '6,25' among its numbers (rows 2, 3 and 5); write a",
        ),
        (
            ["NA", "NA", "NA", "61", "50"],
            "not_numeric",
            "'NA' among its numbers (rows 2, 3 and 4); leave missing values",
        ),
        (
            ["61", "50", "-", "."],
            "not_numeric",
            "'-', '.' among its numbers (rows 4 and 5); leave missing values empty",
        ),
        (["12 mm", "9 mm", "1.1 cm", "8"], "not_numeric", "(rows 2, 3 and 4); write the number alone, in one unit"),
        (["61", "50", "forty"], "not_numeric", "'forty' among its numbers (row 4); correct it"),
        (["61", "50", "inf"], "not_numeric", "'inf' among its numbers (row 4); correct it"),
        (["2021-03", "2021-04", "", "2021-03"], "date", "dates in 3 of 3 rows, first '2021-03' in row 2; a date is no"),
        (["09.03.2021", "unknown", "1.4.2021"], "date", "dates in 2 of 3 rows, first '09.03.2021' in row 2"),
        (["03/09/21", "04/01/21"], "date", "dates in 2 of 2 rows"),
        (["Mar 2021", "9 April 2021", "Mar-21"], "date", "dates in 3 of 3 rows"),
        (["2021-03-09 10:15", "2021-03-10T08:00:00"], "date", "dates in 2 of 2 rows"),
        (["20210309"] * 4 + ["20211231"], "date", "dates in 5 of 5 rows, first '20210309' in row 2"),
        (["F", "f", "female", "M"], "spellings", "in several spellings: 'F', 'f' and 'female'; write each in one way"),
        (["grade 1", "Grade  1", "grade 2"], "spellings", "'Grade  1' and 'grade 1'"),
        (["yes", "y", "no", "N"], "spellings", "'N' and 'no'; 'y' and 'yes'"),
        (["F", "NA", "M", "n/a"], "missing_word", "'NA', 'n/a' among its categories (rows 3 and 5); leave missing"),
        (["NA", "NA"], "missing_word", "'NA' among its categories (rows 2 and 3)"),
    ],
)
def test_faults_are_one_error_with_rows_and_remedy(cells, check, text):
    _, (only,) = read(*cells)
    assert (only.check, only.id, only.severity) == (f"clinical_{check}", "x", "error")
    assert only.message.startswith("clinical.csv: column 'x' has ")
    assert text in only.message


def test_each_kind_of_fault_has_its_own_remedy():
    _, findings = read("1", "2", "3", "4,5", "NA", "6 mm", "many")
    assert [f.message.partition("; ")[2].partition(" ")[0] for f in findings] == ["leave", "write", "write", "correct"]
