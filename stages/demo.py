"""demo: generate a synthetic thyroid-ultrasound study from the seed, in the form of a user's own folder."""

import logging
from functools import partial
from pathlib import Path

import pandas as pd

from pipeline.demo.patients import DemoParams, clinical_table, draw_patients, write_patient
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.params import CommonParams, load_params
from pipeline.foundation.source_root import check_root
from pipeline.foundation.study_folders import DEMO_ROOT, is_demo
from pipeline.foundation.tables import write_csv
from stages.cli import arguments, progress, run, run_settings

log = logging.getLogger(__name__)


def main() -> None:
    """Read the params, generate and write every patient, write the manifest and the clinical table."""
    parser = arguments(__doc__, paths=("params", "common", "out"))
    parser.add_argument("--root", required=True, help="the root of the cohort; the demo is drawn for no other")
    given = parser.parse_args()
    if not is_demo(given.root):
        check_root(Path(given.root))  # before DVC hashes it, whose own message names no remedy
        log.info("passed over: root in params/cohort.yaml is not %s", DEMO_ROOT)
        given.out.mkdir(parents=True, exist_ok=True)
        # DVC warns of an empty folder three times a run.
        (given.out / "not_drawn.txt").write_text(f"The demo is drawn if root is {DEMO_ROOT}.\n", encoding="utf-8")
        return
    params = load_params(given.params, DemoParams)
    seed = load_params(given.common, CommonParams).seed
    settings = run_settings()

    patients = draw_patients(params, seed=seed)
    # Absolute paths, since a worker on a cluster starts in another folder.
    write = partial(write_patient, params=params, seed=seed, out=given.out.resolve())
    drawn = map_cases(write, range(len(patients)), workers=settings.workers, scheduler=settings.scheduler)
    rows = [row for rows in progress(drawn, total=len(patients), unit="patient") for row in rows]
    events = sum(patient.label for patient in patients)
    log.info("%d synthetic patients, %d with the event, %d images", len(patients), events, len(rows))

    write_csv(pd.DataFrame(rows), given.out / "manifest.csv")
    write_csv(clinical_table(patients), given.out / "clinical.csv")


if __name__ == "__main__":
    run(main)
