"""report: one self-contained page; every number on it is in a table."""

import logging

from pipeline.foundation.params import load_params
from pipeline.report.inputs import read_inputs
from pipeline.report.params import ReportParams
from pipeline.report.report import make_report, other_words, write_report
from stages.cli import arguments, run

log = logging.getLogger(__name__)
TABLES = ("tables", "cohort", "patients", "audit", "rois", "splits", "dictionary", "agreement")
FOLDERS = (
    "all-params",
    "features",
    "selected",
    "lasso",
    "half-samples",
    "lasso-paths",
    "reduced",
    "predictions",
    "models",
)
MORE = ("networks", "pictures", "near", "images", "masks", "crops", "segment", "habitat")


def main() -> None:
    """Read every table of the study, make the page and the report's own tables, write them."""
    given = arguments(__doc__, paths=("params", *TABLES, *FOLDERS, *MORE, "report-tables", "report")).parse_args()
    params = load_params(given.params, ReportParams)
    study = read_inputs(vars(given))

    report = make_report(study, params=params)

    write_report(report, tables=given.report_tables, page=given.report)
    if words := other_words(study, params=params):
        log.warning("warning: %s", words)
    log.info("%d KB, %d tables of its own", len(report.page) // 1024, len(report.tables))


if __name__ == "__main__":
    run(main)
