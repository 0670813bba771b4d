"""consistency: whether reported numbers can all be true together; for any published table, and our own in every run."""

import logging
from pathlib import Path

from pipeline.consistency.consistency import ConsistencyParams, check_own, check_published
from pipeline.contracts.reports.compare import METRICS
from pipeline.contracts.reports.consistency import CONSISTENCY, MATRICES
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import read_csv, read_table, write_table
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Read a published table as text, or our own metrics as printed; write the findings and the matrices."""
    parser = arguments(__doc__, paths=("out",))
    given_table = parser.add_mutually_exclusive_group(required=True)
    given_table.add_argument("--table", type=Path, metavar="PATH", help="a published table: one row per model")
    given_table.add_argument("--metrics", type=Path, metavar="PATH", help="our own metrics.csv")
    parser.add_argument("--params", type=Path, metavar="PATH", help="default: the values of params/consistency.yaml")
    given = parser.parse_args()
    params = load_params(given.params, ConsistencyParams) if given.params else ConsistencyParams()
    place = str(given.table or given.metrics)
    if given.metrics:
        result = check_own(read_table(given.metrics, METRICS), params=params, place=place)
    else:
        # As text: 0.80 and 0.8 are different claims.
        table = read_csv(given.table, text_columns=list(read_csv(given.table).columns))
        result = check_published(table, params=params, place=place)
    for row in result.findings.itertuples():
        log.info("%s: %s", row.severity, row.message)
    log.info("%s", result.verdict())

    write_table(result.findings, given.out / "consistency.csv", CONSISTENCY)
    write_table(result.matrices, given.out / "matrices.csv", MATRICES)


if __name__ == "__main__":
    run(main)
