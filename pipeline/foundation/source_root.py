"""The folder that `root` in params/cohort.yaml names: is it there, and can it be hashed."""

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.foundation.errors import CohortError

MANY_NAMES = 5000  # in a folder with more, a similar name is looked for by case only
SHOWN = 3


def check_root(root: Path) -> None:
    """Raise CohortError if `root` is no folder, or holds symbolic links without a target, which DVC cannot hash."""
    if not root.is_dir():
        raise CohortError(f"{root}: {why_no_folder(root)}; set root in params/cohort.yaml to the folder of the source")
    if fault := broken_links(root):
        raise CohortError(fault)


def why_no_folder(root: Path) -> str:
    """Why `root` is no folder, with the folder of a similar name if there is one."""
    if root.is_file():
        return "is a file and no folder"
    if unexpanded := [part for part in root.parts if part.startswith(("~", "$"))]:
        return f"there is no such folder, and {unexpanded[0]} is not replaced by a path"
    near = similar_path(root)
    return f"there is no such folder; did you mean '{near}'?" if near else "there is no such folder"


def similar_path(path: Path) -> str:
    """The path nearest in name to a missing one, from the first folder that differs; empty if none is similar.

    A name that differs only by case is preferred.
    """
    there = path
    while not there.exists():
        there = there.parent
    found = there
    for name in path.relative_to(there).parts:
        try:
            names = sorted(child.name for child in found.iterdir())
        except OSError:
            return ""
        near = [one for one in names if one.casefold() == name.casefold()]
        if not near and len(names) <= MANY_NAMES:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.8)
        if not near:
            return ""
        found = found / near[0]
    return found.relative_to(there).as_posix()


def broken_links(root: Path) -> str | None:
    """A sentence on the symbolic links anywhere in the folder whose target does not exist, None without any."""
    broken = sorted(path for path in _links(root) if not path.exists())
    if not broken:
        return None
    links = f"{len(broken)} symbolic link{'' if len(broken) == 1 else 's'}"
    shown = ", ".join(path.name for path in broken[:SHOWN])
    first = f"first {shown}" if len(broken) > 1 else shown
    return f"{root}: {links} whose target does not exist ({first}); remove or correct them"


def _links(folder: Path) -> Iterator[Path]:
    """The symbolic links in `folder` and its folders; no file is opened or asked for its state."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir():
                yield from _links(Path(entry.path))
