"""The files of a source: its root, the paths in a user's table, and the ids of images."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.foundation.errors import CohortError
from pipeline.foundation.images import RASTER_SUFFIXES, VOLUME_SUFFIXES, suffix_of
from pipeline.foundation.source_root import why_no_folder

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
MAX_NAME_BYTES = 255  # of a file system
MAX_ID, HASH_DIGITS = 160, 10  # characters
SHOWN_CHARACTERS = 80  # of a path in a message
IMAGE_SUFFIXES = (*RASTER_SUFFIXES, *VOLUME_SUFFIXES, ".dcm")


def source_folder(root: Path, *, holds: Sequence[str] = ()) -> Path:
    """The root of a source, after checking that it and the files or folders named in `holds` exist.

    Raises CohortError if any is missing, and lists all that are.
    """
    if not root.is_dir():
        raise CohortError(f"{root}: {why_no_folder(root)}; set root in params/cohort.yaml to the folder of the source")
    _entries(root)
    missing = [name for name in holds if not (root / name).exists()]
    if missing:
        deeper = [child.name for child in _folders(root) if all((child / name).exists() for name in holds)]
        if deeper:
            raise CohortError(f"{root}: the source is in the folder {deeper[0]}; set root in params/cohort.yaml to it")
        raise CohortError(
            f"{root}: {' and '.join(missing)} missing, and the source needs {', '.join(holds)} in this folder; "
            "correct source and root in params/cohort.yaml, or add what is missing"
        )
    return root


def inside(text: str, *, folder: Path) -> Path:
    """The path that a table names relative to its `folder`; symlinks resolved, it must lie in that folder.

    Backslashes separate folders too. An absolute path that reaches the folder through a link becomes one that begins
    with `folder`. Raises CohortError if the path lies elsewhere, or can be no path.
    """
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
    path = folder / text.strip().replace("\\", "/")
    if CONTROL.search(text) or max(len(os.fsencode(part)) for part in path.parts) > MAX_NAME_BYTES:
        raise CohortError(
            f"the path {shown!r} has a control character, or a name of more than {MAX_NAME_BYTES} bytes; "
            "correct it in the table"
        )
    try:
        real, home = path.resolve(), folder.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, before Python 3.13
        raise CohortError(f"the path '{shown}' cannot be followed ({error}); correct it in the table") from error
    if not real.is_relative_to(home):
        raise CohortError(f"the path '{shown}' is outside the folder {folder.name}; copy the file into that folder")
    return path if path.is_relative_to(folder) else folder / real.relative_to(home)


def image_files(folder: Path) -> list[Path]:
    """The image files directly in `folder`, sorted by name; hidden files and other files are ignored.

    Raises CohortError if the folder must not be read, or a name is no UTF-8 text.
    """
    found = [p for p in _entries(folder) if not p.name.startswith(".") and is_image_name(p.name) and p.is_file()]
    for path in found:
        try:
            path.name.encode("utf-8")
        except UnicodeEncodeError as error:
            name = os.fsencode(path.name)
            raise CohortError(f"{folder.name}: the name of its file {name!r} is no UTF-8 text; rename it") from error
    return sorted(found, key=lambda path: path.name)


def _folders(folder: Path) -> list[Path]:
    """The folders in `folder`, sorted by name; hidden ones are ignored."""
    return sorted(path for path in _entries(folder) if path.is_dir() and not path.name.startswith("."))


def holding(folder: Path) -> str:
    """What a folder holds in place of images, as a clause."""
    names = [path.name for path in _folders(folder)]
    if not names:
        return "holds no image"
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return f"holds the folder{'s' if len(names) > 1 else ''} {shown}, and no image"


def subfolder(folder: Path, *, names: Sequence[str]) -> Path | None:
    """The folder in `folder` with one of `names`, in capitals or not; None if there is none."""
    return next((path for path in _folders(folder) if path.name.lower() in names), None)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise CohortError(
            f"{folder}: its files cannot be listed ({error.strerror}); give this user the right to read the folder"
        ) from error


def is_image_name(name: str) -> bool:
    """Whether a file name has the suffix of a supported image format."""
    return suffix_of(Path(name)) in IMAGE_SUFFIXES


def image_stem(path: Path) -> str:
    """The file name without its image suffix; any other suffix is part of the name (`P1.2` stays `P1.2`)."""
    return path.name[: -len(suffix_of(path))] if is_image_name(path.name) else path.name


def image_ids(paths: Sequence[Path], *, root: Path) -> list[str]:
    """One id per image: its file name in letters, digits, `.`, `_` and `-`, unique without regard to case.

    Clashing names are prefixed with their folders, then suffixed with hexadecimal digits of the hash of their path.
    The ids depend on the paths alone, never on their order. Paths are under `root` and differ.
    """
    relative = [path.relative_to(root) for path in paths]
    forms: list[Callable[[Path], str]] = [
        image_stem,
        lambda path: "_".join([*path.parts[:-1], image_stem(path)]),
        lambda path: f"{image_stem(path)}_{_hash(path.as_posix())}",
    ]
    ids = [""] * len(paths)
    open_places = list(range(len(paths)))
    for form in forms:
        groups: dict[str, list[int]] = defaultdict(list)
        for place in open_places:
            ids[place] = plain_name(form(relative[place]))
            groups[ids[place].casefold()].append(place)
        taken = {ids[place].casefold() for place in set(range(len(paths))) - set(open_places)}
        open_places = [p for key, places in groups.items() if len(places) > 1 or key in taken for p in places]
    return ids


def plain_name(text: str) -> str:
    """`text` with every run of other characters as one `-`; never empty, never the name of a hidden file.

    A text longer than MAX_ID is cut, and ends with digits of its hash.

    A final `_gland` becomes `-gland`, and likewise a final `_reader2`: `<image_id>_gland` and `<image_id>_reader2` name
    the files of an image's gland and of its second reader's mask.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-").lstrip(".") or "image"
    if len(plain) > MAX_ID:  # files of later stages are named after it, with endings
        plain = f"{plain[: MAX_ID - HASH_DIGITS - 1]}-{_hash(text)}"
    return re.sub("_(gland|reader2)$", r"-\1", plain, flags=re.IGNORECASE)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]
