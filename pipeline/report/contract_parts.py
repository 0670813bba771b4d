"""Contracts of the report's own tables in short form; values may be empty, keys may not."""

from collections.abc import Sequence

from pipeline.foundation.tables import Column, Contract, Kind


def contract(name: str, key: Sequence[str], columns: Sequence[Column]) -> Contract:
    """A contract whose key columns are text."""
    return Contract(name=name, key=tuple(key), columns=(*(Column(name=k) for k in key), *columns))


def texts(*names: str) -> list[Column]:
    """Columns of text that may be empty."""
    return [Column(name=name, required=False) for name in names]


def numbers(*names: str, kind: Kind = "number") -> list[Column]:
    """Columns of numbers that may be empty."""
    return [Column(name=name, kind=kind, required=False) for name in names]
