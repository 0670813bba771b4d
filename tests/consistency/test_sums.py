import pandas as pd

from pipeline.consistency.printed_table import read_rows
from pipeline.consistency.sums import size_findings, sum_findings


def rows(**columns):
    return read_rows(pd.DataFrame(columns), place="t.csv").rows


def test_classes_that_do_not_make_the_whole():
    # The external cohort of the thyroid node study: 291 + 63 is 354, but its text gives 374.
    (found,) = sum_findings(rows(n_pos=["63"], n_neg=["291"], n=["374"])[0])

    assert (found.check, found.severity) == ("sums", "error")
    assert found.message == "Row 2: n_pos 63 and n_neg 291 make 354, but n is 374."


def test_a_row_that_adds_up():
    (row,) = rows(n_pos=["10"], n_neg=["30"], n=["40"], tp=["8"], fn=["2"], prevalence=["25 %"], SEN=["0.80"])

    assert list(sum_findings(row)) == []


def test_cells_and_prevalence_against_the_rest():
    (row,) = rows(
        n_pos=["10"],
        n_neg=["30"],
        tp=["8"],
        fn=["3"],
        tn=["27"],
        fp=["3"],
        SEN=[".727"],
        SPE=[".80"],
        prevalence=[".220"],
    )

    assert [found.message for found in sum_findings(row)] == [
        "Row 2: tp 8 and fn 3 make 11, but n_pos is 10.",
        "Row 2: the prevalence is printed as .220, but 10 of 40 is 0.250.",
        "Row 2: its four counts do not give SPE .80 (the counts give 0.900).",
    ]


def test_totals_of_cohorts():
    table = rows(
        cohort=["train", "internal", "external", "Total"],
        n_pos=["35", "22", "63", "120"],
        n_neg=["315", "128", "291", "734"],
        n=["350", "150", "374", "854"],
    )

    assert [found.message for found in size_findings(table)] == [
        "n of rows 2, 3 and 4 add up to 874, but row 5 has 854."
    ]


def test_one_test_set_of_two_sizes():
    table = rows(model=["a", "b", "c"], cohort=["ext", "ext", "int"], n=["40", "41", "30"])
    (found,) = size_findings(table)

    assert found.message == "The test set ext has different n: 40 in row 2, 41 in row 3."
