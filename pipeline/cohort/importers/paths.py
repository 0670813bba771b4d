"""The files of a source: its root, the paths in a user's table, and the ids of images."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.foundation.errors import CohortError
from pipeline.foundation.images import RASTER_SUFFIXES, VOLUME_SUFFIXES, suffix_of

IMAGE_SUFFIXES = (*RASTER_SUFFIXES, *VOLUME_SUFFIXES, ".dcm")


def source_folder(root: Path, *, holds: Sequence[str] = ()) -> Path:
    """The root of a source, after checking that it and the files or folders named in `holds` exist.

    Raises CohortError if any is missing, and lists all that are.
    """
    if not root.is_dir():
        raise CohortError(
            f"{root}: there is no such folder; set root in params/cohort.yaml to the folder of the source"
        )
    missing = [name for name in holds if not (root / name).exists()]
    if missing:
        raise CohortError(
            f"{root}: {' and '.join(missing)} missing, and the source needs {', '.join(holds)} in this folder; "
            "correct source and root in params/cohort.yaml, or add what is missing"
        )
    return root


def inside(text: str, *, folder: Path) -> Path:
    """The path that a table names relative to its `folder`; symlinks resolved, it must lie in that folder.

    Backslashes separate folders too. Raises CohortError if the path lies elsewhere.
    """
    path = folder / text.strip().replace("\\", "/")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CohortError(f"the path '{text}' is outside the folder {folder.name}; copy the file into that folder")
    return path


def image_files(folder: Path) -> list[Path]:
    """The image files directly in `folder`, sorted by name; hidden files and other files are ignored."""
    found = (p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".") and is_image_name(p.name))
    return sorted(found, key=lambda path: path.name)


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
        lambda path: f"{image_stem(path)}_{hashlib.sha256(path.as_posix().encode()).hexdigest()[:10]}",
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

    A final `_gland` becomes `-gland`, and likewise a final `_reader2`: `<image_id>_gland` and `<image_id>_reader2` name
    the files of an image's gland and of its second reader's mask.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-").lstrip(".") or "image"
    return re.sub("_(gland|reader2)$", r"-\1", plain, flags=re.IGNORECASE)
