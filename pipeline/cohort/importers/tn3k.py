"""TN3K, thyroid nodules (Gong et al., ISBI 2021), with the class labels that were published later.

`trainval-image/0000.jpg` with `trainval-mask/0000.jpg`, the same for `test-`; `label4trainval.csv` and
`label4test.csv` (no header: `0000.jpg,0`); `tn3k-trainval-fold0.json` to `4`. It gives no patient ids.
"""

import json
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from pipeline.cohort.findings import Finding
from pipeline.cohort.importers.by_image import LabelledImage, fault, source_by_image
from pipeline.cohort.importers.csv_rows import read_rows
from pipeline.cohort.importers.exclusion import OutlineRule, Rule, apply_rules
from pipeline.cohort.importers.labels import LABELS
from pipeline.cohort.importers.paths import image_files, image_stem, plain_name, source_folder
from pipeline.cohort.importers.source import LesionSource, Source
from pipeline.foundation.errors import CohortError
from pipeline.foundation.params import Params

FOLDERS = ("trainval", "test")
FOLDS = range(5)


class Tn3kParams(Params):
    """The cohort of the test folder, what the published folds are for, and what happens to unusable images."""

    test_cohort: Literal["internal", "external"] = "internal"
    fold: int | None = Field(default=None, ge=0, le=4)  # its validation images become cohort internal
    folds: Literal["published"] | None = None  # all five, for cross-validation (folds: given in params/split.yaml)
    unlabelled: Rule = "error"
    no_outline: OutlineRule = "error"

    @model_validator(mode="after")
    def _one_use_of_the_folds(self) -> Self:
        if self.fold is not None and self.folds is not None:
            raise ValueError("The keys fold (one, held out) and folds (all, for cross-validation) exclude each other")
        return self


def read(root: Path, *, params: Tn3kParams) -> Source:
    """Read TN3K: trainval is the cohort train, test the cohort `test_cohort`; masks are lossy JPEG files.

    With `folds: published` the patients of trainval have the fold whose validation images they are.
    Raises CohortError if a folder, a label table (unless unlabelled images are dropped) or a fold is missing.
    """
    source_folder(root, holds=[f"{name}-{kind}" for name in FOLDERS for kind in ("image", "mask")])
    findings: list[Finding] = []
    held_out = set() if params.fold is None else _fold_names(root, fold=params.fold)
    fold_of = _all_folds(root) if params.folds == "published" else {}
    images = []
    for name in FOLDERS:
        files = image_files(root / f"{name}-image")
        masks = _masks(root / f"{name}-mask", {image_stem(path) for path in files}, findings)
        ids = {path.name: plain_name(f"{name}_{image_stem(path)}") for path in files}
        labels = _labels(root / f"label4{name}.csv", ids, params, findings)
        for path in files:
            internal = name == "trainval" and path.name in held_out
            mask = masks.get(image_stem(path))
            images.append(
                LabelledImage(
                    image_id=ids[path.name],
                    image=path,
                    label=labels.get(path.name),
                    lesion=LesionSource(kind="files", files=(mask,)) if mask else None,
                    cohort=params.test_cohort if name == "test" else "internal" if internal else "train",
                    fold=fold_of.get(path.name) if name == "trainval" else None,
                )
            )
    source = source_by_image(images, findings=findings)
    return apply_rules(source, unlabelled=params.unlabelled, no_outline=params.no_outline)


def _masks(folder: Path, stems: set[str], findings: list[Finding]) -> dict[str, Path]:
    masks = {image_stem(path): path for path in image_files(folder)}
    for stem in sorted(set(masks) - stems):
        message = f"{folder.name}: the mask {masks[stem].name} has no image; it is not used"
        findings.append(fault(masks[stem].name, check="mask_without_image", message=message, severity="warning"))
    return masks


def _labels(table: Path, ids: dict[str, str], params: Tn3kParams, findings: list[Finding]) -> dict[str, int]:
    """Label of each image by file name; unusable rows are error findings."""
    if not table.exists():
        if params.unlabelled == "drop":
            return {}
        raise CohortError(
            f"{table}: there is no such table, and every patient needs a label, for segmentation too (splits are "
            "stratified by it); add the label tables that were published for TN3K later, or set unlabelled to drop in "
            "params/cohort.yaml to exclude these images"
        )
    rows = read_rows(table, header=("image", "label"))
    labels: dict[str, int] = {}
    for row, name, text in zip(rows.index, rows["image"], rows["label"], strict=True):
        place = f"{table.name}, row {row}"
        if name not in ids:
            message = f"{place}: there is no image {name}; add it or remove the row"
            findings.append(fault(name, check="label_without_image", message=message))
        elif text not in LABELS:
            message = f"{place}: the label '{text}' of {name} is not 0 or 1"
            findings.append(fault(ids[name], scope="patient", check="label_not_binary", message=message))
        elif labels.get(name, LABELS[text]) != LABELS[text]:
            message = f"{place}: {name} has the labels 0 and 1; keep one row"
            findings.append(fault(ids[name], scope="patient", check="two_labels", message=message))
        else:
            labels[name] = LABELS[text]
    return labels


def _all_folds(root: Path) -> dict[str, int]:
    """The fold in whose validation part each image of trainval is, by file name.

    Raises CohortError as `_fold_names`, and unless every image is in exactly one.
    """
    held_out = {fold: _fold_names(root, fold=fold) for fold in FOLDS}
    names = [file.name for file in image_files(root / "trainval-image")]
    places = {name: [fold for fold, found in held_out.items() if name in found] for name in names}
    if wrong := [name for name, found in places.items() if len(found) != 1]:
        raise CohortError(
            f"{root}: {len(wrong)} images are validation images of none or of several of the {len(FOLDS)} folds, first "
            f"{wrong[0]} (of {len(places[wrong[0]])}); use the published folds, or set folds to null in "
            "params/cohort.yaml"
        )
    return {name: found[0] for name, found in places.items()}


def _fold_names(root: Path, *, fold: int) -> set[str]:
    """The validation images of a published fold, by file name.

    The fold lists positions in the folder sorted by number, so one missing or extra file would shift all of them.
    Raises CohortError unless the positions of train and val together are exactly those of the files.
    """
    path = root / f"tn3k-trainval-fold{fold}.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        train, val = ([int(position) for position in content[role]] for role in ("train", "val"))
    except FileNotFoundError as error:
        raise CohortError(f"{path}: there is no such fold; set fold and folds to null in params/cohort.yaml") from error
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise CohortError(f"{path}: not a fold with the lists train and val ({error})") from error
    names = [file.name for file in sorted(image_files(root / "trainval-image"), key=_number)]
    if sorted([*train, *val]) != list(range(len(names))):
        listed = f"{path}: the fold lists {len(train) + len(val)} positions"
        raise CohortError(
            f"{listed}, which are not those of the {len(names)} files in trainval-image; "
            "use the complete folder, or set fold and folds to null in params/cohort.yaml"
        )
    return {names[position] for position in val}


def _number(path: Path) -> tuple[int, str]:
    if not image_stem(path).isdecimal():
        raise CohortError(
            f"{path}: the folds need file names that are numbers; set fold and folds to null in params/cohort.yaml"
        )
    return int(image_stem(path)), path.name
