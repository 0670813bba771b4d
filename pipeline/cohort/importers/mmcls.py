"""The folder of MMClassification's CustomDataset: `meta/train.txt`, `val.txt`, `test.txt`, and the images they list.

A line is `<relative path> <class>`; the path is relative to the folder of its list (`train/`) or to the root. There are
no masks, so the whole image is the lesion, and no patient ids.
"""

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from pipeline.cohort.findings import Finding, Scope
from pipeline.cohort.importers.by_image import LabelledImage, fault, source_by_image
from pipeline.cohort.importers.exclusion import Rule, apply_rules
from pipeline.cohort.importers.paths import image_ids, inside, source_folder
from pipeline.cohort.importers.source import LesionSource, Source
from pipeline.foundation.errors import CohortError
from pipeline.foundation.params import Params

MAX_DIGITS = 9  # of the number of a class
LISTS = ("train", "val", "test")


class MmclsParams(Params):
    """The classes of the two outcomes, and the cohort of the test list; train and val are the cohort train."""

    positive: tuple[int, ...] = (1,)
    negative: tuple[int, ...] = (0,)
    test_cohort: Literal["internal", "external"] = "internal"
    unlabelled: Rule = "error"  # an image whose class is neither positive nor negative

    @model_validator(mode="after")
    def _classes(self) -> "MmclsParams":
        if not self.positive or not self.negative or set(self.positive) & set(self.negative):
            raise ValueError("Positive and negative each need at least one class, and share none")
        return self


def read(root: Path, *, params: MmclsParams) -> Source:
    """Read the lists under `root/meta` (train.txt is required, the others optional); the whole image is the lesion.

    Raises CohortError if `meta/train.txt` is missing or a list is not UTF-8 text.
    """
    source_folder(root, holds=("meta/train.txt",))
    findings: list[Finding] = []
    found: dict[Path, tuple[str, int, str]] = {}
    for name in LISTS:
        for place, path, number in _lines(root, name, findings):
            if path in found:
                message = f"{place}: the image is already in {found[path][2]}; list each image once"
                findings.append(fault(path.name, check="duplicate_row", message=message))
            else:
                found[path] = (name, number, place)
    outcomes = dict.fromkeys(params.positive, 1) | dict.fromkeys(params.negative, 0)
    ids = image_ids(list(found), root=root)
    source = source_by_image(
        [
            LabelledImage(
                image_id=image_id,
                image=path,
                label=outcomes.get(number),
                lesion=LesionSource(kind="full"),
                cohort=params.test_cohort if name == "test" else "train",
            )
            for image_id, (path, (name, number, _)) in zip(ids, found.items(), strict=True)
        ],
        findings=findings,
    )
    places: dict[tuple[Scope, str], str] = {
        ("patient", image_id): f"{place}, class {number}"
        for image_id, (_, number, place) in zip(ids, found.values(), strict=True)
    }
    return apply_rules(source, unlabelled=params.unlabelled, no_outline="error", places=places)


def _lines(root: Path, name: str, findings: list[Finding]) -> list[tuple[str, Path, int]]:
    """Place, image and class of each usable line of one list; the other lines are error findings."""
    table = root / "meta" / f"{name}.txt"
    if not table.exists():
        return []
    try:
        lines = table.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CohortError(f"{table}: not readable as UTF-8 text ({error})") from error
    usable = []
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        place = f"{table.name}, line {row}"
        text, _, number = line.strip().rpartition(" ")  # a path may contain blanks
        if not text or not number.isdecimal() or len(number) > MAX_DIGITS:
            message = f"{place}: '{line.strip()}' is not a path, a blank and the number of a class"
            findings.append(fault(place, check="unusable_row", message=message))
            continue
        try:
            usable.append((place, _image(root, name, text.strip()), int(number)))
        except CohortError as error:
            findings.append(fault(text, check="unusable_row", message=f"{place}: {error}"))
    return usable


def _image(root: Path, name: str, text: str) -> Path:
    """The image in the folder of its list, or else under the root."""
    beside = inside(text, folder=root / name) if (root / name).is_dir() else None
    return beside if beside is not None and beside.exists() else inside(text, folder=root)
