"""predict: a probability with an interval, flags and an explanation for new patients, by a bundle."""

import logging
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from pipeline.cohort.audit import audit_table
from pipeline.contracts.data.cohort import AUDIT
from pipeline.contracts.data.predict import FLAGS, NEW_CONTRIBUTIONS, NEW_PREDICTIONS, PREDICTED
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.folders import written_aside
from pipeline.foundation.parallel import map_cases
from pipeline.foundation.tables import write_table
from pipeline.predict.bundle import differences, load_bundle
from pipeline.predict.flags import flags_table
from pipeline.predict.new_patients import read_new_patients
from pipeline.predict.pages import patient_pages
from pipeline.predict.prediction import contributions_table, predict
from stages.cli import arguments, opened_store, progress, run, run_settings

log = logging.getLogger(__name__)
PAGES, TABLE = "pages", "predictions.csv"
OWN = {TABLE, "flags.csv", "contributions.csv", "audit.csv", PAGES}


def main() -> None:
    """Read bundle and manifest, predict each patient, write the tables and a page per patient."""
    given = arguments(__doc__, paths=("bundle", "manifest", "out")).parse_args()
    out = given.out.resolve()  # `.` has no name beside which to write
    check_out(out)
    settings, bundle = run_settings(), load_bundle(given.bundle)
    log.info("bundle of set %s, SHA-256 %s", bundle.about.feature_set, bundle.sha256)
    for difference in differences(bundle.about):
        log.warning("warning: the bundle was made with other software: %s; scores may differ", difference)
    # Absolute paths, since a worker on a cluster starts in another folder.
    manifest = given.manifest.resolve()
    patients = read_new_patients(manifest, about=bundle.about)
    started = perf_counter()

    def spread(function: Any, cases: Sequence[Any]) -> Iterable[Any]:
        mapped = map_cases(function, cases, workers=settings.workers, scheduler=settings.scheduler)
        return progress(mapped, total=len(cases), unit="image")

    store = opened_store(settings)
    with tempfile.TemporaryDirectory(prefix="predict-", dir=_scratch(settings.scratch)) as work:
        found = predict(bundle, patients, root=manifest.parent, folder=Path(work), spread=spread, store=store)
        pages = {f"{PAGES}/{name}": page for _, name, page in patient_pages(bundle, patients, found)}
        table = found.table.assign(page=list(pages))
        with written_aside(out) as folder:
            write_table(table, folder / TABLE, NEW_PREDICTIONS)
            write_table(flags_table(found.flags), folder / "flags.csv", FLAGS)
            write_table(contributions_table(found.explained), folder / "contributions.csv", NEW_CONTRIBUTIONS)
            write_table(audit_table(found.findings), folder / "audit.csv", AUDIT)
            (folder / PAGES).mkdir()
            for name, page in pages.items():
                (folder / name).write_text(page, encoding="utf-8")
    store.prune()
    for row in table[table["status"] != PREDICTED].itertuples():
        log.warning("warning: %s is not predicted: %s", row.patient_id, row.reason)
    done = int((table["status"] == PREDICTED).sum())
    flagged = int((table["severity"] == "outside").sum())
    seconds = perf_counter() - started
    log.info(
        "%d of %d patients predicted in %.1f s, %d outside what the model was trained on",
        done,
        len(table),
        seconds,
        flagged,
    )
    log.info("tables and pages are in %s", given.out)
    if not done:
        raise PipelineError(f"no patient could be predicted; the reasons are in {given.out / TABLE}")


def check_out(folder: Path) -> None:
    """Raise PipelineError if `folder` holds anything but earlier predictions, since its content is replaced."""
    if folder.exists() and not folder.is_dir():
        raise PipelineError(f"{folder}: is a file; name a folder for --out")
    if folder.is_dir() and (others := sorted({path.name for path in folder.iterdir()} - OWN)):
        raise PipelineError(f"{folder}: holds {others[0]}, which would be lost; name a new folder for --out")


def _scratch(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


if __name__ == "__main__":
    run(main)
