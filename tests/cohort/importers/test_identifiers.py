"""identifiers: cleaning of ids, and which of them look alike."""

import pandas as pd
import pytest

from pipeline.cohort.importers.identifiers import alike, cleaned_columns, plain_text, quoted, spelling_key


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (" 007 ", "007"),
        ("P\u200b1", "P1"),  # zero-width space
        ("\ufeffP1", "P1"),  # byte-order mark
        ("P\u00ad1", "P1"),  # soft hyphen
        ("P\u00a01", "P 1"),  # non-breaking space
        ("P\t1\x00", "P 1"),
        ("Rene\u0301", "Ren\u00e9"),
        ("e\u200b\u0301", "\u00e9"),  # composed after the removal
        ("\u00a0\u200b", ""),
    ],
)
def test_plain_text(text, plain):
    assert plain_text(text) == plain
    assert plain_text(plain) == plain


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("P003", "p003"),
        ("007", "7"),
        ("P003", "P3"),
        ("7.0", "7"),
        ("P 1", "P1"),
        ("\uff30\uff11", "P1"),  # full width
        ("STRASSE", "stra\u00dfe"),
        ("Rene\u0301", "REN\u00c9"),
        ("A\u20131", "A-1"),  # en dash
        ("P1\u200b", "P1"),
    ],
)
def test_one_key_for_two_spellings(one, other):
    assert spelling_key(one) == spelling_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("P1", "P10"), ("1.05", "1.5"), ("100", "1"), ("0", "00x"), ("A1", "B1"), ("1-2", "12")]
)
def test_two_ids_stay_two(one, other):
    assert spelling_key(one) != spelling_key(other)


def test_alike_lists_each_set_once_whatever_the_order():
    names = ["p1", "P2", "P1", "P1", "007", "7", "P 1"]

    assert alike(names) == alike(names[::-1]) == [["007", "7"], ["P 1", "P1", "p1"]]
    assert alike([f"P{n:04d}" for n in range(5000)]) == []


def test_what_looks_the_same_is_shown_with_escapes():
    assert quoted(["P1", "p1", "P01"]) == "'P1', 'p1' and 'P01'"
    assert quoted(["Ren\u00e9", "Rene\u0301"]) == "'Ren\\xe9' and 'Rene\\u0301'"


def test_removed_characters_are_a_warning_with_the_rows():
    rows = pd.DataFrame(
        {"patient_id": ["P1", "P\u200b1", " P\u0065\u0301"], "image": ["a\u200b", "b", "c"]}, dtype="str"
    )
    rows.index = [2, 3, 4]

    cleaned, findings = cleaned_columns(rows, columns=("patient_id", "site"), table="m.csv")

    assert cleaned["patient_id"].tolist() == ["P1", "P1", "P\u00e9"]
    assert cleaned["image"].tolist() == ["a\u200b", "b", "c"]
    assert [(f.check, f.severity, f.id) for f in findings] == [("invisible_characters", "warning", "patient_id")]
    assert "row 3 (first U+200B ZERO WIDTH SPACE)" in findings[0].message
