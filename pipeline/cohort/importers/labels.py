"""The two classes of a column of labels: 0 and 1, or the values of which `label_positive` names the event."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from pipeline.cohort.findings import Finding, error, some_of

LABELS = {"0": 0, "0.0": 0, "1": 1, "1.0": 1}  # how tables write the two classes
SLIPS, SLIPS_SHARE = 3, 0.05  # entries, or fraction of them, beside 0 and 1: more are another class
KEY = "label_positive in params/cohort.yaml"
MANY = 10  # different values: more are a measurement
# Columns of a survival table, which has no label.
TIMES = ("time", "os", "os_time", "pfs", "pfs_time", "dfs_time", "survival", "survival_time", "follow_up", "followup")
EVENTS = ("event", "status", "os_event", "os_status", "pfs_event", "death", "dead", "censored")


@dataclass(frozen=True)
class Labels:
    """The class of each way in which a table writes it, and what is wrong with the column as a whole.

    If `findings` is not empty, no row has a class and no row is at fault.
    """

    codes: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


def label_codes(texts: Iterable[str], *, table: str, positive: str | None) -> Labels:
    """Which texts of a label column are the event (1) and which are not (0); empty texts are ignored.

    Without `positive`, the classes are 0 and 1 (LABELS); with it, the column must hold that value and one other. A
    column with other classes is one error that lists them. A few entries beside 0 and 1 are faults of their rows, which
    the importer reports.
    """
    counts = Counter(text for text in texts if text)
    if positive is None:
        slips = sum(count for text, count in counts.items() if text not in LABELS)
        both = {LABELS[text] for text in counts if text in LABELS} == {0, 1}
        if slips == 0 or (both and slips <= max(SLIPS, SLIPS_SHARE * counts.total())):
            return Labels(LABELS)
        return Labels({}, [_column_error(_other_classes(counts, table=table))])
    chosen = _number(positive)
    codes = {text: int(_number(text) == chosen) for text in counts}
    others = sorted({_number(text) for text, code in codes.items() if code == 0})
    if 1 in codes.values() and len(others) == 1:
        return Labels(codes)
    if not counts:
        return Labels({})
    remedy = f"name one of these values in {KEY}"
    if 1 in codes.values():
        remedy = "two classes are needed: rename or remove the rows of the others"
        if not others:
            remedy = "no other class is left to compare with"
    return Labels({}, [_column_error(f"{_values(counts, table=table)}, and {KEY} is '{positive}'; {remedy}")])


def with_codes(rows: pd.DataFrame, *, table: str, positive: str | None) -> tuple[pd.DataFrame, list[Finding]]:
    """`rows` with the column label in the codes of `label_codes`, as text; all empty if the column is at fault."""
    labels = label_codes(rows["label"], table=table, positive=positive)
    if labels.findings:
        return rows.assign(label=""), labels.findings
    if positive is None:
        return rows, []
    return rows.assign(
        label=rows["label"].map({"": "", **{text: str(code) for text, code in labels.codes.items()}})
    ), []


def without_label(columns: Iterable[str]) -> str:
    """The sentence added if a table has no column label: what to do with a survival table, or with a column alike."""
    names = [name.strip() for name in columns]
    times = [name for name in names if name.casefold() in TIMES]
    events = [name for name in names if name.casefold() in EVENTS]
    if not times or not events:
        return ""
    return (
        f"; the columns {times[0]} and {events[0]} are those of a survival analysis, which is not supported: add a "
        "column label with 1 for an event before a fixed time and 0 for patients who were followed up to it without"
    )


def _other_classes(counts: Counter[str], *, table: str) -> str:
    values = _values(counts, table=table)
    classes = sorted({_number(text) for text in counts})
    if len(classes) == 2:
        return f"{values}; labels are 0 and 1: write them so, or set {KEY} to the value of the event"
    if len(classes) == 1:
        return f"{values}; two classes are needed, 0 and 1"
    if len(classes) > MANY:
        return f"{values}; two classes are needed, 0 and 1: divide a measurement at a cut-off that was fixed beforehand"
    return f"{values}; two classes are needed, 0 and 1: join classes, or remove the rows of the others"


def _values(counts: Counter[str], *, table: str) -> str:
    rows = [f"'{text}' ({count} {'row' if count == 1 else 'rows'})" for text, count in sorted(counts.items())]
    return f"{table}: the column label has {len(rows)} {'value' if len(rows) == 1 else 'values'}, {some_of(rows)}"


def _column_error(message: str) -> Finding:
    return error("label", scope="column", check="label_not_binary", message=message)


def _number(text: str) -> str:
    """The text, with a number in one form: 2.0 is 2."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.strip()
