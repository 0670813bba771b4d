"""The images of a segmentation and the files of their masks: those of the cohort, and those of the gland alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.contracts.data.cohort import WHOLE
from pipeline.segment.gland_source import blocks_of, gland_pairs
from pipeline.segment.params import GlandParams


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image and the files of its masks (None = it has none). `spacing_mm` is in the order of the array's axes, None
    if it is not known. An image of the gland alone has no patient, and its masks are decoded from their own format.
    """

    image_id: str
    patient_id: str
    group: str
    image: Path
    lesion: Path | None = None
    gland: Path | None = None
    spacing_mm: tuple[float, ...] | None = None


def cohort_pictures(cohort: pd.DataFrame, patients: pd.DataFrame, *, images: Path, masks: Path) -> list[Picture]:
    """One picture per row of `cohort.csv`; a mask that covers its whole image is no outline to learn from."""
    groups = patients.set_index("patient_id")["group_id"]
    found = []
    for row in cohort.sort_values("image_id").to_dict("records"):
        outlined = not pd.isna(row["mask"]) and row["mask_source"] != WHOLE
        steps = [row[f"spacing_{axis}_mm"] for axis in "zyx"]
        # A 2-D image has no step along z; a step that alone is known is none.
        known = [float(step) for step in steps if not pd.isna(step)]
        found.append(
            Picture(
                image_id=row["image_id"],
                patient_id=row["patient_id"],
                group=str(groups[row["patient_id"]]),
                image=images / row["image"],
                lesion=masks / row["mask"] if outlined else None,
                gland=None if pd.isna(row["gland_mask"]) else masks / row["gland_mask"],
                spacing_mm=tuple(known) if len(known) > 1 else None,
            )
        )
    return found


def gland_pictures(params: GlandParams) -> list[Picture]:
    """The pictures of the second source; none if it is not used. Raises CohortError as `gland_pairs`."""
    if not params.use:
        return []
    pairs = gland_pairs(Path(params.root))
    blocks = blocks_of(len(pairs), block_frames=params.block_frames)
    return [
        Picture(image_id=f"gland-{place:05d}", patient_id="", group=block, image=image, gland=mask)
        for place, ((image, mask), block) in enumerate(zip(pairs, blocks, strict=True))
    ]


def pictures_by_patient(pictures: Sequence[Picture]) -> dict[str, list[Picture]]:
    """The pictures of each patient, in their order."""
    found: dict[str, list[Picture]] = {}
    for picture in pictures:
        found.setdefault(picture.patient_id, []).append(picture)
    return found


def with_mask(pictures: Sequence[Picture]) -> list[Picture]:
    """The pictures that have a mask of lesion or gland."""
    return [one for one in pictures if one.lesion is not None or one.gland is not None]
