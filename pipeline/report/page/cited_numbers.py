"""Numbers on the page that carry their source: `<data value="…" data-source="table.csv#key:column">`."""

from collections.abc import Callable, Sequence
from io import StringIO
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup, escape

MINUS = "−"
NOTHING = Markup('<span class="none" title="not defined">–</span>')
NO_INTERVAL = Markup('<span class="none" title="no interval: the data give no variance">no interval</span>')


def number_key(values: Sequence[object]) -> str:
    """The key of a row as it stands in `data-source`: the key columns joined by `/`, each percent-encoded."""
    return "/".join(quote(str(value), safe="") for value in values)


def _fixed(text: str, digits: int, *, sign: bool = False) -> str:
    value = float(text)
    shown = f"{abs(value):.{digits}f}"
    if float(shown) == 0:
        return shown
    return (MINUS if value < 0 else "+" if sign else "") + shown


def _p_value(text: str) -> str:
    value = float(text)
    return "<0.001" if value < 0.001 else ">0.999" if value > 0.999 else f"{value:.3f}"


FORMS: dict[str, Callable[[str], str]] = {
    "text": str,
    "count": lambda text: f"{int(float(text)):,}",
    "auc": lambda text: _fixed(text, 3),
    "difference": lambda text: _fixed(text, 3, sign=True),
    "percent": lambda text: f"{_fixed(str(100 * float(text)), 1)}\N{NO-BREAK SPACE}%",
    "points": lambda text: _fixed(str(100 * float(text)), 1),  # a percentage whose sign follows later
    "decimal": lambda text: _fixed(text, 1),
    "two": lambda text: _fixed(text, 2),
    "tiny": lambda text: f"{float(text):.0e}",
    "short": lambda text: _fixed(text, 0 if float(text).is_integer() else 3),
    "p": _p_value,
    "hash": lambda text: text[:12],
}


class Cells:
    """One table, cell by cell, as in its CSV file. `name` is its path under reports/tables, `key` its key columns."""

    def __init__(self, table: pd.DataFrame, *, name: str, key: Sequence[str]) -> None:
        # Read back from the text of the file, so that the page and the file hold the same characters.
        buffer = StringIO(table.to_csv(index=False, lineterminator="\n"))
        text = pd.read_csv(buffer, dtype="str", keep_default_na=False)
        self.name, self.key, self.columns = name, tuple(key), tuple(text.columns)
        records = text.to_dict("records")
        self.rows = {tuple(str(row[column]) for column in self.key): row for row in records}

    def __contains__(self, key: Sequence[str]) -> bool:
        return tuple(key) in self.rows

    def text(self, key: Sequence[str], *, column: str) -> str:
        """The cell as it stands in the file; empty if there is no such row."""
        return str(self.rows.get(tuple(key), {}).get(column, ""))

    def cite(self, key: Sequence[str], *, column: str, form: str) -> Markup:
        """The cell in a readable form (one of `FORMS`) with its value and its source; a dash if it is empty."""
        value = self.text(key, column=column)
        if value == "":
            return NOTHING
        source = f"{self.name}#{number_key(key)}:{column}"
        return Markup('<data value="{}" data-source="{}">{}</data>').format(value, source, escape(FORMS[form](value)))

    def cite_interval(self, key: Sequence[str], *, form: str) -> Markup:
        """`low to high` from the columns ci_low and ci_high; `no interval` if they are empty."""
        if self.text(key, column="ci_low") == "":
            return NO_INTERVAL
        low = self.cite(key, column="ci_low", form="points" if form == "percent" else form)
        high = self.cite(key, column="ci_high", form=form)
        return Markup("{} to {}").format(low, high)
