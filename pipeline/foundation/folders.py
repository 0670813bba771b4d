"""Put a finished folder in the place of an older one, so that a failed run leaves the older one as it was."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def replace_folder(new: Path, old: Path) -> None:
    """Move the folder `new` to the place of `old`, whose files are all removed; `old` need not exist.

    Both must lie on one file system. Two renames, so that a reader finds either folder whole, or for a moment none.
    Raises OSError if `new` does not exist or cannot be moved; `old` is then as it was.
    """
    previous = old.with_name(f"{old.name}.previous")
    if old.exists():
        _remove(previous)  # left by a run that was killed between the renames and the removal
        old.rename(previous)
    try:
        old.parent.mkdir(parents=True, exist_ok=True)
        new.rename(old)
    except OSError:
        if previous.exists():
            previous.rename(old)
        raise
    _remove(previous)


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, which takes its place when the block ends; if the block fails, it is removed."""
    aside = folder.with_name(f"{folder.name}.partial")
    _remove(aside)
    aside.mkdir(parents=True)
    try:
        yield aside
        replace_folder(aside, folder)
    finally:
        _remove(aside)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
