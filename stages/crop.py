"""crop: cut the region of interest (ROI) out of each lesion image: the bounding box of its mask plus a margin."""

import logging
from functools import partial

from pipeline.contracts.data.cohort import COHORT
from pipeline.contracts.data.crop import PREDICTED_ROIS, ROIS
from pipeline.contracts.data.segment import MASKS
from pipeline.crop.rois import (
    CropParams,
    crop_case,
    crop_cases,
    effective_rows,
    predicted_cases,
    predicted_table,
    rois_table,
)
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_table, write_table
from stages.cli import arguments, progress, run, run_settings

PATHS = ("params", "cohort", "images", "masks", "predicted-masks", "predictions", "rois", "table", "predicted")
log = logging.getLogger(__name__)


def main() -> None:
    """Read the cohort, crop its images in parallel, write the ROIs and their table."""
    given = arguments(__doc__, paths=PATHS).parse_args()
    params = load_params(given.params, CropParams)
    cohort, predictions = read_table(given.cohort, COHORT), read_table(given.predictions, MASKS)
    settings = run_settings()

    # Absolute paths, since a worker on a cluster starts in another folder.
    cases = crop_cases(cohort, images=given.images.resolve(), masks=given.masks.resolve())
    folders = {"images": given.images.resolve(), "masks": given.predicted_masks.resolve()}
    others = predicted_cases(cohort, predictions, **folders)
    crop = partial(crop_case, params=params, rois=given.rois.resolve())
    cropped = map_cases(crop, [*cases, *others], workers=settings.workers, scheduler=settings.scheduler)
    done = list(progress(cropped, total=len(cases) + len(others), unit="image"))
    used = frozenset(predictions.loc[predictions["used"] == 1, "image_id"])
    rows = effective_rows(done[: len(cases)], done[len(cases) :], used=used)
    table = rois_table(rows)
    for row in rows:
        if row["status"] != "ok":
            log.warning("%s: %s (%s)", row["image_id"], row["status"], row["reason"])
    log.info("%d of %d images cropped", int((table["status"] == "ok").sum()), len(table))

    write_table(table, given.table, ROIS)
    write_table(predicted_table(done[len(cases) :]), given.predicted, PREDICTED_ROIS)


if __name__ == "__main__":
    run(main)
