"""Changes of single values in the text of a params file: every other character, comments included, stays as it is."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode

from pipeline.foundation.errors import ParamsError


class _Removed:
    """The type of REMOVED."""


REMOVED = _Removed()  # as a value: the key goes


@dataclass(frozen=True, kw_only=True)
class Change:
    """One key of one params file, its new value (REMOVED = none), and why."""

    file: str
    key: tuple[str, ...]
    value: Any
    reason: str


def edited(text: str, changes: Sequence[Change]) -> str:
    """`text` with the values that `changes` name, in their order.

    A comment behind a value stays in its column if it can. Lines of a block that goes are removed; those with a comment
    become comments. Raises ParamsError if a key does not exist.
    """
    for change in changes:
        wanted = _load(text)
        text = _edit(text, change)
        _set(wanted, change)
        if not _holds(text, wanted):
            raise ParamsError(
                f"params/{change.file}: key '{'.'.join(change.key)}' is written in a form that is not changed here; "
                f"set it to {change.value!r} with an editor"
            )
    return text


def _holds(text: str, wanted: Any) -> bool:
    try:
        return bool(_load(text) == wanted)
    except YAMLError:
        return False


def _set(content: Any, change: Change) -> None:
    *path, last = change.key
    for name in path:
        content = content[name]
    if isinstance(change.value, _Removed):
        del content[last]
    else:
        content[last] = list(change.value) if isinstance(change.value, tuple) else change.value


def _edit(text: str, change: Change) -> str:
    parent, key, value = _find(text, change)
    removed = isinstance(change.value, _Removed)
    if removed and (parent.flow_style or len(parent.value) == 1):
        rest = {k.value: _load(text[v.start_mark.index : _end(v, text)]) for k, v in parent.value if k is not key}
        return _edit(text, Change(file=change.file, key=change.key[:-1], value=rest, reason=change.reason))
    if removed:
        return _without_lines(text, key.start_mark.line, _line_of(text, _end(value, text)))
    written = _flow(change.value)
    if value.start_mark.line > key.start_mark.line:
        text = _without_lines(text, key.start_mark.line + 1, _line_of(text, _end(value, text)))
        colon = text.index(":", key.end_mark.index) + 1
        return _replaced(text, colon, colon, f" {written}")
    return _replaced(text, value.start_mark.index, _end(value, text), written)


def _find(text: str, change: Change) -> tuple[MappingNode, ScalarNode, Node]:
    """The mapping that holds the key, the key, and its value."""
    node = YAML(typ="safe", pure=True).compose(text)
    found = None
    for name in change.key:
        entries = node.value if isinstance(node, MappingNode) else []
        found = next(((node, key, value) for key, value in entries if key.value == name), None)
        if found is None:
            place = f"params/{change.file}: key '{'.'.join(change.key)}' is missing"
            raise ParamsError(f"{place}, and {change.reason}; add it as in the params of the demo")
        node = found[2]
    if found is None:
        raise ParamsError(f"params/{change.file}: no key is named")
    return found


def _end(node: Node, text: str) -> int:
    """Where the last character of a value lies: the end mark of a block lies behind the comments that follow it."""
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return len(text[: node.end_mark.index].rstrip())
    last = node.value[-1]
    return _end(last[1] if isinstance(node, MappingNode) else last, text)


def _line_of(text: str, place: int) -> int:
    return text.count("\n", 0, place)


def _without_lines(text: str, first: int, last: int) -> str:
    """Without the lines `first` to `last` (from 0); a line with a comment becomes a comment as a whole."""
    lines = text.splitlines(keepends=True)
    kept = [_as_comment(line) for line in lines[first : last + 1] if re.search(r"(^|\s)#", line)]
    return "".join([*lines[:first], *kept, *lines[last + 1 :]])


def _as_comment(line: str) -> str:
    return line if line.lstrip().startswith("#") else f"#{line}"


def _replaced(text: str, start: int, end: int, written: str) -> str:
    """`written` in place of the characters `start` to `end`, and the comment behind it in its column if it fits."""
    behind = text[end:]
    if blanks := re.match(r" +(?=#)", behind):
        old, width = text[start:end], len(blanks[0])
        shift = len(written.rpartition("\n")[2]) - len(old.rpartition("\n")[2])
        behind = " " * max(min(2, width), width - shift) + behind[width:]
    return text[:start] + written + behind


def _load(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _flow(value: Any) -> str:
    """`value` on one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(entry) for entry in value) + "]"
    if isinstance(value, str) and re.fullmatch(r"[\w./][\w./ -]*(?<! )", value) and _load(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
