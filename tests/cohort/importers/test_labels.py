"""labels: what the values of a label column mean."""

import pytest

from pipeline.cohort.importers.labels import label_codes, without_label


def codes(*texts, positive=None):
    return label_codes(texts, table="manifest.csv", positive=positive)


def fault(*texts, positive=None):
    labels = codes(*texts, positive=positive)
    assert labels.codes == {}
    (only,) = labels.findings
    assert (only.scope, only.id, only.check, only.severity) == ("column", "label", "label_not_binary", "error")
    return only.message


@pytest.mark.parametrize("texts", [["0", "1", ""], ["0.0", "1.0"], ["1"], [""], ["0", "1", "oops"]])
def test_zero_and_one_are_taken_as_they_are(texts):
    labels = codes(*texts)
    assert labels.codes == {"0": 0, "0.0": 0, "1": 1, "1.0": 1}
    assert labels.findings == []


@pytest.mark.parametrize(
    ("texts", "positive", "expected"),
    [
        (["benign", "malignant", ""], "malignant", {"benign": 0, "malignant": 1}),
        (["yes", "no"], "yes", {"yes": 1, "no": 0}),
        (["1", "2", "2.0"], "2", {"1": 0, "2": 1, "2.0": 1}),
        (["0", "1"], "0", {"0": 1, "1": 0}),
    ],
)
def test_label_positive_names_the_event(texts, positive, expected):
    assert codes(*texts, positive=positive).codes == expected


@pytest.mark.parametrize(
    ("texts", "text"),
    [
        (["yes"] * 3 + ["no"], "has 2 values, 'no' (1 row), 'yes' (3 rows); labels are 0 and 1: write them so, or set"),
        (["1"] * 30 + ["2"] * 10, "has 2 values, '1' (30 rows), '2' (10 rows); labels are 0 and 1: write them so, or"),
        (["0", "1", "2"] * 9, "has 3 values, '0' (9 rows), '1' (9 rows), '2' (9 rows); two classes are needed"),
        (
            [f"{n}.5" for n in range(30)],
            "and 20 more; two classes are needed, 0 and 1: divide a measurement at a cut-off",
        ),
        (["benign"], "has 1 value, 'benign' (1 row); two classes are needed"),
    ],
)
def test_other_classes_are_one_sentence_with_the_values(texts, text):
    assert text in fault(*texts)


@pytest.mark.parametrize(
    ("texts", "positive", "text"),
    [
        (
            ["benign", "malign"],
            "malignant",
            "and label_positive in params/cohort.yaml is 'malignant'; name one of these",
        ),
        (["a", "b", "c"], "a", "two classes are needed: rename or remove the rows of the others"),
        (["yes", "yes"], "yes", "no other class is left to compare with"),
    ],
)
def test_a_label_positive_that_does_not_divide_the_column(texts, positive, text):
    assert text in fault(*texts, positive=positive)


def test_a_survival_table_is_told_what_to_do():
    assert "the columns OS_time and OS_event are those of a survival analysis" in without_label(["OS_time", "OS_event"])
    assert without_label(["patient_id", "time"]) == ""
