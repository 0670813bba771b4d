"""Near-duplicates of the cohort: the pairs as a table with thumbnails, as links of patients, and as findings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.cohort.findings import Finding, error, info, warning
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.near_pairs import NearPair, SignedImage, near_pairs
from pipeline.contracts.data.cohort import NEAR_DUPLICATES
from pipeline.foundation.images import array_of, read_image
from pipeline.foundation.tables import write_table

NearMode = Literal["join", "report", "off"]  # `near_duplicates` in params/cohort.yaml
THUMBNAIL_PX = 160  # the longer side
GREY_PERCENT = (0.5, 99.5)  # percentiles of an image of more than 8 bits that become black and white


def search(
    imported: Sequence[ImportedImage], *, mode: NearMode, workers: int | None = 1, scheduler: str | None = None
) -> list[NearPair]:
    """The near-identical pictures of different patients among all images that could be read; none if `mode` is off."""
    if mode == "off":
        return []
    images = [
        SignedImage(image_id=i.image_id, patient_id=i.patient_id, pixels=i.pixels, signature=i.signature)
        for i in imported
        if i.signature is not None
    ]
    return near_pairs(images, workers=workers, scheduler=scheduler)


def near_links(pairs: Iterable[NearPair], *, mode: NearMode) -> list[tuple[str, str]]:
    """The pairs of patients to join into one group: none unless `mode` is join."""
    return sorted({pair.patients for pair in pairs}) if mode == "join" else []


def pairs_table(pairs: Sequence[NearPair], *, mode: NearMode) -> pd.DataFrame:
    """`pairs.csv`: one row per pair; patients with identical voxels are joined in every mode."""
    rows = [
        {
            "image_a": pair.one.image_id,
            "image_b": pair.other.image_id,
            "patient_a": pair.one.patient_id,
            "patient_b": pair.other.patient_id,
            "distance": pair.distance,
            "mirrored": int(pair.mirrored),
            "joined": int(mode == "join" or pair.identical),
        }
        for pair in pairs
    ]
    kinds = {"distance": "float64", "mirrored": "int64", "joined": "int64"}
    return pd.DataFrame(rows, columns=NEAR_DUPLICATES.names).astype(kinds)


def write_near_duplicates(pairs: Sequence[NearPair], *, mode: NearMode, images: Path, folder: Path) -> None:
    """Write `pairs.csv` and one thumbnail `<image_id>.png` per image of a pair; `images` has the stored images."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(pairs_table(pairs, mode=mode), folder / "pairs.csv", NEAR_DUPLICATES)
    for name in sorted({image.image_id for pair in pairs for image in (pair.one, pair.other)}):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        thumbnail(images / f"{name}.nrrd").save(path)


def thumbnail(path: Path) -> Image.Image:
    """A stored image as 8-bit grey, its longer side 160 px; of a volume, the middle slice.

    Raises ImageError if the image is missing or unreadable.
    """
    array = array_of(read_image(path))
    plane = array[len(array) // 2] if array.ndim == 3 else array
    if plane.dtype != np.uint8:
        values = np.nan_to_num(plane.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = np.percentile(values, GREY_PERCENT)
        plane = np.rint(255 * np.clip((values - low) / max(high - low, 1e-12), 0, 1)).astype(np.uint8)
    height, width = plane.shape
    scale = THUMBNAIL_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR)


def near_findings(pairs: Iterable[NearPair], *, patients: pd.DataFrame, mode: NearMode) -> list[Finding]:
    """Findings about pairs of near-identical pictures; those with identical voxels are findings of `duplicates`.

    Across declared cohorts: one error that lists the pairs. Contradictory labels: one warning that lists them. Any
    other pair: a warning. `patients` has the columns patient_id, label, cohort.
    """
    if mode == "off":
        message = "near_duplicates is off in params/cohort.yaml, so near-identical pictures of different patients were "
        message += "not searched for; patients who share one may be in both training and test"
        return [info("images", scope="cohort", check="near_duplicates_off", message=message)]
    table = patients.drop_duplicates("patient_id").set_index("patient_id")
    apart: list[str] = []
    contradictory: list[str] = []
    found: list[Finding] = []
    for pair in pairs:
        if pair.identical:
            continue
        cohorts, labels = _differing(pair, table["cohort"]), _differing(pair, table["label"])
        if cohorts:
            apart.append(_named(pair, cohorts))
        if labels:
            contradictory.append(_named(pair, [f"label {label:g}" for label in labels]))
        if not (cohorts or labels):
            message = f"the same picture twice: {_named(pair)}; {_kept(mode)}"
            found.append(warning(pair.one.image_id, scope="image", check="near_duplicate", message=message))
    return [*found, *_lists(apart, contradictory, mode=mode)]


def _lists(apart: Sequence[str], contradictory: Sequence[str], *, mode: NearMode) -> list[Finding]:
    found = []
    if apart:
        message = f"{_count(apart)} across declared cohorts ({'; '.join(apart)}), so a test patient was used in "
        message += "training; exclude one image of each pair (near_duplicates: off in params/cohort.yaml skips the "
        message += "search, if these are different pictures)"
        found.append(error("images", scope="cohort", check="near_duplicate_across_cohorts", message=message))
    if contradictory:
        message = f"{_count(contradictory)} with contradictory labels ({'; '.join(contradictory)}); correct the labels "
        message += f"or exclude the images; {_kept(mode)}"
        found.append(warning("images", scope="cohort", check="near_duplicate_contradictory_labels", message=message))
    return found


def _count(pairs: Sequence[str]) -> str:
    one = len(pairs) == 1
    return "1 pair of images shows the same picture" if one else f"{len(pairs)} pairs of images show the same picture"


def _kept(mode: NearMode) -> str:
    if mode == "join":
        return "the patients are kept together in every split"
    return "the patients are not kept together; set near_duplicates: join in params/cohort.yaml"


def _named(pair: NearPair, given: Sequence[Any] = ()) -> str:
    """The images and patients of a pair, with what is `given` of each patient, and the distance."""
    sides = [f"{image.image_id} of patient {image.patient_id}" for image in (pair.one, pair.other)]
    sides = [f"{side}, {value}" for side, value in zip(sides, given, strict=True)] if given else sides
    return f"{' and '.join(sides)}, distance {pair.distance:.2f}{', mirrored' if pair.mirrored else ''}"


def _differing(pair: NearPair, values: pd.Series) -> list[Any]:
    """The values of the two patients if both are given and differ, else none."""
    both = [values.get(patient) for patient in (pair.one.patient_id, pair.other.patient_id)]
    given = [value for value in both if pd.notna(value) and value != ""]
    return given if len(given) == 2 and given[0] != given[1] else []
