"""The folder of OnekeyAI: `images/` and `masks/` with the same stems, and `label.csv` (ID, label, optional group)."""

from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import Field

from pipeline.cohort.findings import Finding
from pipeline.cohort.importers.by_image import LabelledImage, fault, source_by_image
from pipeline.cohort.importers.csv_rows import read_rows, row_list
from pipeline.cohort.importers.exclusion import OutlineRule, Rule, apply_rules
from pipeline.cohort.importers.labels import LABELS, with_codes, without_label
from pipeline.cohort.importers.paths import image_files, image_ids, image_stem, source_folder
from pipeline.cohort.importers.source import LesionSource, Source
from pipeline.foundation.errors import CohortError
from pipeline.foundation.params import Params

CohortName = Literal["train", "internal", "external"]
GROUPS: dict[str, CohortName] = {"train": "train", "val": "train", "test": "internal"}


class OnekeyParams(Params):
    """What an ID stands for, the cohort of each group, and what happens to images without a label or a mask."""

    ids: Literal["image", "patient"] = "image"  # patient: each ID is one patient, and no patient has two
    groups: dict[str, CohortName] = Field(default_factory=lambda: dict(GROUPS))
    unlabelled: Rule = "error"
    no_outline: OutlineRule = "error"


def read(root: Path, *, params: OnekeyParams, label_positive: str | None = None) -> Source:
    """Read a OnekeyAI folder; an ID may include the image's suffix. Ids stay text.

    `label_positive` is the label of the event; None = labels are 0 and 1.

    Raises CohortError if a folder or the table is missing, or the table has no columns ID and label.
    """
    source_folder(root, holds=("images", "masks", "label.csv"))
    findings: list[Finding] = []
    images = _by_stem(root / "images", findings)
    masks = _by_stem(root / "masks", findings)
    ids = dict(zip(images, image_ids(list(images.values()), root=root), strict=True))
    table = _table(root / "label.csv", ids, params, findings, positive=label_positive)
    for stem in sorted(set(masks) - set(images)):
        message = f"the mask {masks[stem].name} has no image; it is not used"
        findings.append(fault(stem, check="mask_without_image", message=message, severity="warning"))
    for stem in sorted(set(table) - set(images)):
        message = f"label.csv: ID {stem} has no image in images; add it or remove the row"
        findings.append(fault(stem, check="label_without_image", message=message))
    source = source_by_image(
        [
            LabelledImage(
                image_id=ids[stem],
                image=path,
                label=table.get(stem, (None, None))[0],
                lesion=LesionSource(kind="files", files=(masks[stem],)) if stem in masks else None,
                cohort=table.get(stem, (None, None))[1],
            )
            for stem, path in images.items()
        ],
        findings=findings,
    )
    source.has_patient_ids = params.ids == "patient"
    return apply_rules(source, unlabelled=params.unlabelled, no_outline=params.no_outline)


def _by_stem(folder: Path, findings: list[Finding]) -> dict[str, Path]:
    """The image files of a folder by stem; a second file of one stem is an error finding."""
    found: dict[str, Path] = {}
    for path in image_files(folder):
        first = found.setdefault(image_stem(path), path)
        if first != path:
            message = f"{folder.name}: {first.name} and {path.name} have the same name; keep one of them"
            findings.append(fault(image_stem(path), check="two_files", message=message))
    return found


def _table(
    path: Path, ids: dict[str, str], params: OnekeyParams, findings: list[Finding], *, positive: str | None
) -> dict[str, tuple[int | None, str | None]]:
    """Label and cohort of each ID; unreadable values are error findings with their row."""
    rows = read_rows(path)
    if missing := [name for name in ("ID", "label") if name not in rows]:
        hint = without_label(rows.columns) if "label" in missing else ""
        raise CohortError(f"{path}: {', '.join(missing)} missing among the columns {', '.join(rows.columns)}{hint}")
    rows, faults = with_codes(rows, table=path.name, positive=positive)
    findings += faults
    rows["ID"] = [image_stem(Path(text)) for text in rows["ID"]]
    for name, group in rows.groupby("ID", sort=False):
        if len(group) > 1 or name == "":
            message = f"label.csv: {row_list(group.index)} with the ID '{name}'; needs one row per image"
            findings.append(fault(str(name), check="duplicate_row", message=message))
    rows = rows[rows["ID"] != ""].drop_duplicates("ID")
    return {cells["ID"]: _row(row, cells, ids, params, findings) for row, cells in rows.iterrows()}


def _row(
    row: object, cells: pd.Series, ids: dict[str, str], params: OnekeyParams, findings: list[Finding]
) -> tuple[int | None, str | None]:
    text, group = cells["label"], cells.get("group", "")
    case = ids.get(cells["ID"], cells["ID"])
    if text and text not in LABELS:
        message = f"label.csv, row {row}: the label '{text}' is not 0 or 1"
        findings.append(fault(case, scope="patient", check="label_not_binary", message=message))
    if group and group not in params.groups:
        message = f"label.csv, row {row}: the group '{group}' is not one of {', '.join(params.groups)}; "
        findings.append(fault(case, scope="patient", check="unknown_cohort", message=message + "add it to groups"))
    return LABELS.get(text), params.groups.get(group)
