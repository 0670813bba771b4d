"""Every parameter of the run, one a row, so that the methods text can quote it with its source."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd


def parameter_table(params: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The content of the params files, flat: file, key (levels joined by dots), value as text.

    A list of single values is one value, joined by commas; other lists are numbered from 1. null is empty.
    """
    rows = [(name, key, value) for name, content in params.items() for key, value in _flat(content)]
    return pd.DataFrame(rows, columns=["file", "key", "value"]).astype("str")


def _flat(content: Any, *, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, Mapping) and content:
        for key, value in content.items():
            yield from _flat(value, prefix=f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(content, list | tuple) and any(isinstance(one, Mapping | list | tuple) for one in content):
        for number, value in enumerate(content, 1):
            yield from _flat(value, prefix=f"{prefix}.{number}")
    elif isinstance(content, list | tuple):
        yield prefix, ", ".join(_text(one) for one in content)
    else:
        yield prefix, "" if isinstance(content, Mapping) else _text(content)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        f"{value:g}" if isinstance(value, float) and f"{value:g}" == repr(value).rstrip("0").rstrip(".") else str(value)
    )
