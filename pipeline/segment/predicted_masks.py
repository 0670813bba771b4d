"""The predicted masks that later stages use: one file per image and resample, and their table."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.contracts.data.segment import MASKS
from pipeline.foundation.images import image_from, read_image, write_image
from pipeline.segment.cases import EMPTY, Segmented, SegmentPlan, source_of
from pipeline.segment.notes import note_no_masks


def write_masks(results: Sequence[Segmented], *, plan: SegmentPlan, folder: Path) -> pd.DataFrame:
    """Write `<resample>/<image_id>.nrrd` for each mask of the network whose masks are needed, on the grid of its image;
    return `masks.csv`. An empty mask is written too, and is a row with its reason; an image that could not be read has
    neither.
    """
    pictures = {one.image_id: one for found in plan.pictures.values() for one in found}
    rows = []
    for result in results:
        job = result.job
        for image, mask in sorted(result.masks.items()):
            picture, name = pictures[image], f"{job.resample}/{image}.nrrd"
            (folder / job.resample).mkdir(parents=True, exist_ok=True)
            write_image(image_from(mask, like=read_image(picture.image)), folder / name)
            count = int(np.count_nonzero(mask))
            rows.append(
                {
                    "resample": job.resample,
                    "image_id": image,
                    "patient_id": picture.patient_id,
                    "network": job.network,
                    "part": job.part,
                    "used": int(source_of(picture, params=plan.params) == "predicted"),
                    "mask": name,
                    "n_voxels": count,
                    "status": "ok" if count else "empty",
                    "reason": None if count else EMPTY,
                }
            )
    note_no_masks(folder)
    return pd.DataFrame(rows, columns=MASKS.names)
