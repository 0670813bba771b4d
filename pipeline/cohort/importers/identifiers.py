"""Ids, views and sites as people write them: one Unicode form, no invisible characters, and which look alike."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from pipeline.cohort.findings import Finding
from pipeline.cohort.importers.csv_rows import row_list

DIFFERENCES = "case, spaces, leading zeros or Unicode form"  # what `spelling_key` ignores


def plain_text(text: str) -> str:
    """`text` in Unicode form NFC, without invisible characters and surrounding blanks.

    Any kind of space, tab or line break becomes a space; control and format characters (zero-width, byte-order
    marks, soft hyphens) are removed.
    """
    seen = "".join(_visible(character) for character in unicodedata.normalize("NFC", text))
    return unicodedata.normalize("NFC", seen).strip()


def _visible(character: str) -> str:
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) in ("Cc", "Cf") else character


def spelling_key(text: str) -> str:
    """The same key for ids that a person may take for one: case, spaces, leading zeros, Unicode form do not count.

    Leading zeros of each number in the id count as none (P003, p3), unless they follow a decimal point (1.05 is not
    1.5); 7.0, as spreadsheets write a number, is 7; dashes of all kinds are one.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain_text(text)).casefold())
    dashed = "".join("-" if unicodedata.category(character) == "Pd" else character for character in folded)
    solid = re.sub(r"^(\d+)\.0+$", r"\1", re.sub(r"\s", "", dashed))
    return re.sub(r"(?<!\d)(?<!\d\.)0+(?=\d)", "", solid)


def alike(texts: Iterable[str]) -> list[list[str]]:
    """The different `texts` that share a `spelling_key`: one sorted list per key, in order."""
    by_key = defaultdict(set)
    for text in texts:
        by_key[spelling_key(text)].add(text)
    return sorted(sorted(group) for group in by_key.values() if len(group) > 1)


def quoted(texts: Iterable[str]) -> str:
    """`'P1' and 'p1'`; with escapes if two of them would look the same on a screen."""
    given = list(texts)
    seen = {plain_text(text) for text in given}
    shown = [f"'{text}'" if len(seen) == len(given) else ascii(text) for text in given]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def cleaned_columns(rows: pd.DataFrame, *, columns: Iterable[str], table: str) -> tuple[pd.DataFrame, list[Finding]]:
    """`rows` with `plain_text` in the named columns of ids; invisible characters that were removed are warnings.

    `rows` is a table as of `read_rows`, `table` its name.
    """
    rows, findings = rows.copy(), []
    for name in [name for name in columns if name in rows]:
        hidden = rows[name].map(_hidden)
        if (found := hidden != "").any():
            message = f"{table}: column '{name}' has characters that cannot be seen or look like a space in "
            message += f"{row_list(rows.index[found])} (first {hidden[found].iloc[0]}); they were removed, or replaced "
            message += "by a space: check that each id is as meant"
            findings.append(
                Finding(scope="column", id=name, check="invisible_characters", severity="warning", message=message)
            )
        rows[name] = rows[name].map(plain_text).astype("str")
    return rows, findings


def _hidden(text: str) -> str:
    """The first character that `plain_text` removes from within `text` or replaces by a space, as U+200B; or ""."""
    hidden = (c for c in text if c != " " and _visible(c) != c)
    return next((f"U+{ord(c):04X} {unicodedata.name(c, '')}".rstrip() for c in hidden), "")
