"""One clinical column of a user's table: numbers or categories, and the cells that would silently make it the other.

A date, a decimal comma or a word for a missing value turns a column of numbers into a column of text, and thus into
one feature per value; a category spelt in two ways becomes two.
"""

import re

import numpy as np
import pandas as pd

from pipeline.cohort.findings import Finding, some_of
from pipeline.cohort.importers.csv_rows import row_list
from pipeline.cohort.importers.identifiers import alike, quoted

MOST = 0.5  # fraction of the cells with an entry
MIN_DATES = 5  # whole numbers of the form YYYYMMDD
FEW_LEVELS = 10  # categories such as <5 and >=5, which are no numbers
EMPTY_WORDS = frozenset(
    ("na", "n/a", "n.a.", "k.a.", "nan", "null", "nil", "not available", "#n/a", "#na", "#value!", "#wert!", "-")
) | {"--", ".", "..", "?"}
# Also the names of categories, but never numbers.
OTHER_WORDS = frozenset(["none", "unknown", "unk", "missing", "x", "nd", "not known", "not done", "no data"])
SYNONYMS = (
    ("f", "female", "woman", "w"),
    ("m", "male", "man"),
    ("y", "yes", "true"),
    ("n", "no", "false"),
    ("+", "pos", "pos.", "positive"),
    ("neg", "neg.", "negative"),
)
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
WITH_UNIT = re.compile(
    r"[<>=~≤≥±]*\s*[-+]?\d+([.,]\d+)?\s*"
    r"(mm|cm|%|ml|cc|l|mg|g|kg|[mnpu]?g/[md]?l|[munp]?mol/l|m?i?u/m?l|years?|yrs?|yo?|months?|mo|weeks?|days?|hu)?",
    re.IGNORECASE,
)
MONTHS = (
    "jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|"
    "aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?"
)
DATES = re.compile(
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([ T]\d{1,2}:\d\d.*)?"  # 2021-03, 2021-03-09 with or without a time
    r"|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})([ T]\d{1,2}:\d\d.*)?"  # 9.3.2021, 03/09/21
    r"|\d{1,2}[-/]\d{4}"  # 03/2021
    rf"|(\d{{1,2}}[-. ]+)?({MONTHS})[-., ]+(\d{{1,2}},? +)?\d{{2,4}})",  # 9 Mar 2021, March 2021, Mar-21
    re.IGNORECASE,
)
COMPACT_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")


def clinical_column(cells: pd.Series, *, place: str) -> tuple[pd.Series, list[Finding]]:
    """The column as numbers if all its entries are finite numbers, otherwise as text; empty cells are NaN.

    `cells` are texts by row number, `place` is the name of the table. Errors, each with the rows and the remedy: dates
    in most rows; decimal commas, words for a missing value, units and other entries among numbers; words for a missing
    value among categories; one category in several spellings.
    """
    values = cells.mask(cells == "")
    given = values.dropna()
    if fault := _dates(given, place=place):
        return values, [fault]
    if _is_numeric(given):
        return finite(values), number_faults(given, name=str(cells.name), place=place)
    return values, [*_word_faults(given, place=place), *_spelling_faults(given, place=place)]


def finite(values: pd.Series) -> pd.Series:
    """Texts as finite numbers; anything else is NaN."""
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(np.isfinite(numbers))


def number_faults(given: pd.Series, *, name: str, place: str, check: str = "clinical_not_numeric") -> list[Finding]:
    """Errors about the entries of a column of numbers that are none: one per kind of entry, with rows and remedy.

    `given` are the entries by row number, `name` is the id of the findings, `place` the name of the table.
    """
    wrong = given[finite(given).isna()]
    words, commas = _is_word(wrong, EMPTY_WORDS | OTHER_WORDS), wrong.str.fullmatch(DECIMAL_COMMA)
    units = ~words & ~commas & wrong.str.fullmatch(WITH_UNIT)
    kinds = (
        (words, "leave missing values empty"),
        (commas, "write a decimal point, and no separator of thousands"),
        (units, "write the number alone, in one unit for all rows"),
        (~words & ~commas & ~units, "correct it, or leave it empty if the value is missing"),
    )
    return [
        _error(
            name,
            check,
            f"{place}: column '{given.name}' has {_entries(wrong[kind])} among its numbers "
            f"({row_list(wrong.index[kind])}); {remedy}",
        )
        for kind, remedy in kinds
        if kind.any()
    ]


def _is_numeric(given: pd.Series) -> bool:
    """Whether most entries besides words for a missing value are numbers, however they are written."""
    plain = given[~_is_word(given, EMPTY_WORDS | OTHER_WORDS)]
    numbers = finite(plain).notna()
    commas, units = plain.str.fullmatch(DECIMAL_COMMA), plain.str.fullmatch(WITH_UNIT)
    if not (numbers | commas).any() and plain.nunique() <= FEW_LEVELS:
        return len(given) == 0  # an empty column counts as numbers
    return bool((numbers | commas | units).sum() > MOST * len(plain))


def _dates(given: pd.Series, *, place: str) -> Finding | None:
    compact = given.str.fullmatch(COMPACT_DATE)
    dates = given.str.fullmatch(DATES) | (compact if compact.sum() >= MIN_DATES else False)
    if not len(given) or dates.sum() <= MOST * len(given):
        return None
    message = f"{place}: column '{given.name}' has dates in {int(dates.sum())} of {len(given)} rows, first "
    message += (
        f"'{given[dates].iloc[0]}' in row {dates.index[dates][0]}; a date is no predictor: remove the column, give "
    )
    message += "an age or a number of days, or put the date of the image into the column date of the table of images"
    return _error(str(given.name), "clinical_date", message)


def _word_faults(given: pd.Series, *, place: str) -> list[Finding]:
    words = _is_word(given, EMPTY_WORDS)
    if given.str.startswith("+").any():  # then - is the other category
        words &= ~given.isin(["-", "--"])
    if not words.any():
        return []
    message = f"{place}: column '{given.name}' has {_entries(given[words])} among its categories "
    message += f"({row_list(given.index[words])}); leave missing values empty"
    return [_error(str(given.name), "clinical_missing_word", message)]


def _spelling_faults(given: pd.Series, *, place: str) -> list[Finding]:
    """One error for all categories that differ only in spelling, or mean the same (F, female)."""
    levels = sorted(given.unique())
    groups = {tuple(group) for group in alike(levels)}
    for synonyms in SYNONYMS:
        same = tuple(level for level in levels if level.casefold() in synonyms)
        if len({level.casefold() for level in same}) > 1:
            groups = {group for group in groups if not set(group) <= set(same)} | {same}
    if not groups:
        return []
    shown = some_of([quoted(group) for group in sorted(groups)], limit=5, between="; ")
    message = f"{place}: column '{given.name}' has one category in several spellings: {shown}; write each in one way"
    return [_error(str(given.name), "clinical_spellings", message)]


def _is_word(values: pd.Series, words: frozenset[str]) -> pd.Series:
    return values.str.casefold().isin(words)


def _entries(values: pd.Series) -> str:
    """The different entries, the most frequent first: `'NA' and 'n/a'`."""
    return some_of([f"'{text}'" for text in values.value_counts(sort=True).sort_index(kind="stable").index], limit=5)


def _error(column: str, check: str, message: str) -> Finding:
    return Finding(scope="column", id=column, check=check, severity="error", message=message)
