"""Findings of the audit: what was found about an image, a patient, a column or the cohort."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Scope = Literal["image", "patient", "column", "cohort"]


Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One row of `audit.csv`."""

    scope: Scope
    id: str
    check: str  # a short stable name, such as `cut_polygon_text`
    severity: Severity
    message: str  # one sentence: what is wrong, where, what to do


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A case dropped by a declared rule (`unlabelled`, `no_outline`) or by `exclude:` in the params."""

    scope: Literal["image", "patient"]
    id: str
    rule: str
    message: str


def error(subject: str, *, scope: Scope, check: str, message: str) -> Finding:
    """A finding that stops the analysis; the message is prefixed with its subject."""
    return _finding(subject, scope, check, "error", message)


def warning(subject: str, *, scope: Scope, check: str, message: str) -> Finding:
    """A finding that readers of the results must know about."""
    return _finding(subject, scope, check, "warning", message)


def info(subject: str, *, scope: Scope, check: str, message: str) -> Finding:
    """A finding that is recorded and counted."""
    return _finding(subject, scope, check, "info", message)


def _finding(subject: str, scope: Scope, check: str, severity: Severity, message: str) -> Finding:
    place = f"{scope} {subject}: " if scope in ("image", "patient") else ""
    return Finding(scope=scope, id=subject, check=check, severity=severity, message=place + message)


def some_of(names: Sequence[str], *, limit: int = 10, between: str = ", ") -> str:
    """The first `limit` names, in the order given, and how many more there are: `a, b and 7 more`."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"{between.join(names[:limit])}{more}"
