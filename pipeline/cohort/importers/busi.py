"""BUSI, the Breast Ultrasound Images dataset (Al-Dhabyani et al., Data in Brief 2020;28:104863).

`benign/benign (1).png` with `benign (1)_mask.png`, `benign (1)_mask_1.png`, …; the same in `malignant` and `normal`.
Mirrors have `benign/images` and `benign/masks` (also `image`, `mask`). It gives no patient ids.
"""

import re
from collections import defaultdict
from pathlib import Path

from pipeline.cohort.findings import Finding
from pipeline.cohort.importers.by_image import LabelledImage, fault, source_by_image
from pipeline.cohort.importers.exclusion import OutlineRule, Rule, apply_rules, exclude
from pipeline.cohort.importers.paths import holding, image_files, image_ids, image_stem, source_folder, subfolder
from pipeline.cohort.importers.source import LesionSource, Source
from pipeline.foundation.errors import CohortError
from pipeline.foundation.params import Params

CLASSES: dict[str, int | None] = {"benign": 0, "malignant": 1, "normal": None}
IMAGE_FOLDERS, MASK_FOLDERS = ("images", "image"), ("masks", "mask")
MASK = re.compile(r"(?P<image>.+)_mask(?:_\d+)?")


class BusiParams(Params):
    """What happens to normal breasts (no lesion, empty masks) and to images without a mask."""

    normal: Rule = "drop"
    no_outline: OutlineRule = "error"


def read(root: Path, *, params: BusiParams) -> Source:
    """Read BUSI: malignant = 1, benign = 0; all masks of one image are united.

    Raises CohortError if `benign` or `malignant` is missing or holds no image.
    """
    source_folder(root, holds=("benign", "malignant"))
    findings: list[Finding] = []
    found: dict[Path, tuple[str, LesionSource | None]] = {}
    for name in CLASSES:
        if (root / name).is_dir():
            found |= {image: (name, lesion) for image, lesion in _folder(root / name, findings).items()}
    ids = image_ids(list(found), root=root)
    classes = {image_id: name for image_id, (name, _) in zip(ids, found.values(), strict=True)}
    source = source_by_image(
        [
            LabelledImage(image_id=image_id, image=image, label=CLASSES[name], lesion=lesion)
            for image_id, (image, (name, lesion)) in zip(ids, found.items(), strict=True)
        ],
        findings=findings,
    )
    normal = {image_id: "is a normal breast without a lesion" for image_id, name in classes.items() if name == "normal"}
    if normal and params.normal == "error":
        message = f"{len(normal)} normal images have no lesion; set normal: drop in params/cohort.yaml"
        findings.append(fault("normal", scope="cohort", check="normal", message=message))
    source = exclude(source, patients=normal, rule="normal")
    return apply_rules(source, unlabelled="error", no_outline=params.no_outline)


def _folder(folder: Path, findings: list[Finding]) -> dict[Path, LesionSource | None]:
    """The images of one class, each with its mask files."""
    masks: dict[str, list[Path]] = defaultdict(list)
    images: list[Path] = []
    beside = subfolder(folder, names=IMAGE_FOLDERS)
    apart = subfolder(folder, names=MASK_FOLDERS) if beside else None
    for path in image_files(beside or folder):
        match = MASK.fullmatch(image_stem(path))
        if match and apart is None:
            masks[match["image"]].append(path)
        else:
            images.append(path)
    for path in image_files(apart) if apart else []:
        match = MASK.fullmatch(image_stem(path))
        masks[match["image"] if match else image_stem(path)].append(path)
    if not images and CLASSES[folder.name] is not None:
        raise CohortError(
            f"{folder}: {holding(folder)}; BUSI has its images and masks there, or in its folders images and masks"
        )
    for stem in sorted(set(masks) - {image_stem(image) for image in images}):
        message = f"{folder.name}: the mask {masks[stem][0].name} has no image; it is not used"
        findings.append(fault(stem, check="mask_without_image", message=message, severity="warning"))
    return {
        image: LesionSource(kind="files", files=tuple(masks[image_stem(image)])) if image_stem(image) in masks else None
        for image in images
    }
