"""Which source a folder is: your own tables, or the layout of a public data set."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.cohort.cohort import CohortParams
from pipeline.cohort.importers.paths import IMAGE_SUFFIXES, is_image_name
from pipeline.foundation.errors import CohortError

# What each importer demands in the folder of its source.
LAYOUTS = {
    "ddti": ("images", "xml"),
    "tn3k": ("trainval-image", "trainval-mask", "test-image", "test-mask"),
    "busi": ("benign", "malignant"),
    "onekey": ("images", "masks", "label.csv"),
    "mmcls": ("meta/train.txt",),
}
KEYS = ("patient_id", "image")  # of a table of images
SPREADSHEETS = (".xlsx", ".xls", ".ods", ".numbers")
SHOWN = 10
MANIFEST = "manifest"
ANY_TABLE = f"a CSV with the columns {', '.join(KEYS)} and label, one row per image"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The source of a folder; of a manifest also the tables of images and of clinical columns (None = there is none).

    `others` = further tables by patient, which may be clinical or features: only their owner knows.
    """

    source: str
    table: str | None = None
    clinical: str | None = None
    others: tuple[str, ...] = ()


def find_layout(root: Path, *, chosen: CohortParams, same_root: bool) -> Layout:
    """The layout of the folder `root`, from the names in it and the headers of its tables.

    `chosen` are the params so far: their names of tables are kept if these exist, and their source if the folder is
    that of the params (`same_root`) and fits. Own tables come before a public layout. Raises CohortError if no
    layout fits, or if several tables or layouts fit and the choice would be a guess.
    """
    headers = table_headers(root)
    manifest = _manifest(root, headers=headers, named=chosen.manifest.table if chosen.manifest else "")
    fitting = [name for name, holds in LAYOUTS.items() if all((root / place).exists() for place in holds)]
    if same_root and chosen.source in fitting:
        return Layout(source=chosen.source)
    if manifest:
        return _own_tables(manifest, root=root, headers=headers, chosen=chosen)
    if len(fitting) == 1:
        return Layout(source=fitting[0])
    if fitting:
        raise CohortError(
            f"{root}: fits the sources {' and '.join(fitting)}; set source in params/cohort.yaml to one of them and "
            "root to this folder"
        )
    raise CohortError(_nothing(root))


def table_headers(root: Path) -> dict[str, list[str]]:
    """The column names of every CSV directly in `root`, by file name; [] for a file that is no such table."""
    return {path.name: _header(path) for path in sorted(root.glob("*.csv")) if path.is_file()}


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [cell.strip() for cell in next(csv.reader(stream), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _manifest(root: Path, *, headers: dict[str, list[str]], named: str) -> str | None:
    if named and (root / named).is_file():
        return named
    tables = [name for name, columns in headers.items() if set(KEYS) <= set(columns)]
    if len(tables) > 1:
        raise CohortError(
            f"{root}: {' and '.join(tables)} each have the columns {' and '.join(KEYS)}; name the table of images "
            "manifest.csv, or move the other away"
        )
    return tables[0] if tables else None


def _own_tables(manifest: str, *, root: Path, headers: dict[str, list[str]], chosen: CohortParams) -> Layout:
    """The tables of a manifest: a clinical table is one that the params name, or that says so in its own name."""
    given = chosen.manifest
    blocks = {block.table for block in given.blocks.values()} if given else set()
    by_patient = [n for n, columns in headers.items() if KEYS[0] in columns and n != manifest and n not in blocks]
    named = [given.clinical] if given and given.clinical and (root / given.clinical).is_file() else []
    clinical = named or [name for name in by_patient if "clinical" in name.casefold()]
    if len(clinical) > 1:
        raise CohortError(
            f"{root}: {' and '.join(clinical)} may each be the clinical table; name one of them clinical.csv and "
            "the others without the word clinical"
        )
    others = tuple(name for name in by_patient if name not in clinical)
    return Layout(source=MANIFEST, table=manifest, clinical=clinical[0] if clinical else None, others=others)


def _nothing(root: Path) -> str:
    """Why `root` is no source, and what to do, in one sentence."""
    entries = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    folders = [path for path in entries if path.is_dir()]
    if inner := [path.name for path in folders if _is_source(path)]:
        return f"{root}: is not the folder of a source, but its folder {inner[0]} is; give ROOT={root / inner[0]}"
    sheets = [path.name for path in entries if path.suffix.lower() in SPREADSHEETS]
    if sheets:
        return (
            f"{root}: {sheets[0]} is a spreadsheet, and tables are read as CSV; export it as 'CSV UTF-8': {ANY_TABLE}"
        )
    images = sum(is_image_name(path.name) for path in entries)
    images += sum(is_image_name(path.name) for folder in folders for path in folder.iterdir())
    if not images:
        formats = ", ".join(IMAGE_SUFFIXES)
        return f"{root}: holds no image{_holding(entries)}; give the folder of the study, with images ({formats})"
    return f"{root}: holds {images} images and no table of them{_holding(entries)}; add {ANY_TABLE}"


def _is_source(folder: Path) -> bool:
    try:
        own = any(set(KEYS) <= set(columns) for columns in table_headers(folder).values())
        return own or any(all((folder / place).exists() for place in holds) for holds in LAYOUTS.values())
    except OSError:
        return False


def _holding(entries: Sequence[Path]) -> str:
    if not entries:
        return " (it is empty)"
    more = f" and {len(entries) - SHOWN} more" if len(entries) > SHOWN else ""
    return f" (only {', '.join(path.name for path in entries[:SHOWN])}{more})"
