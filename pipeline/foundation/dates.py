"""Dates as text, to the day (`YYYY-MM-DD`) or to the month (`YYYY-MM`): which are valid, the order, the quarter."""

import re
from datetime import date

YEARS = range(1900, 2101)  # any other year is a typing error


def is_date(text: str) -> bool:
    """Whether `text` is a day that exists, `YYYY-MM-DD`, or a month, `YYYY-MM`, of the years 1900 to 2100."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?", text):
        return False
    year, month, day = (int(part) for part in f"{text}-01".split("-")[:3])
    try:
        date(year, month, day)
    except ValueError:
        return False
    return year in YEARS


def is_later(one: str, other: str) -> bool:
    """Whether `one` is a later date than `other`; by month if either is a month, so that equal months are not later."""
    length = min(len(one), len(other))
    return one[:length] > other[:length]


def quarter_of(text: str) -> str:
    """The quarter of a date: `2021 Q3` of 2021-07-31 or 2021-07."""
    year, month = text.split("-")[:2]
    return f"{year} Q{(int(month) + 2) // 3}"
