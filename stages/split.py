"""split: which patient trains and which tests in each resample, written once."""

import logging

from pipeline import contracts
from pipeline.params import CommonParams, load_params
from pipeline.split import SplitParams, split_table
from pipeline.tables import read_table, write_table
from stages.cli import arguments, run

log = logging.getLogger(__name__)


def main() -> None:
    """Read the patients, split them, write the splits."""
    given = arguments(__doc__, paths=("params", "common", "patients", "splits")).parse_args()
    params = load_params(given.params, SplitParams)
    seed = load_params(given.common, CommonParams).seed
    patients = read_table(given.patients, contracts.PATIENTS)

    splits = split_table(patients, params=params, seed=seed)
    final = splits.loc[splits["resample"] == "final", "role"].value_counts()
    told = ", ".join(f"{final.get(role, 0)} {role}" for role in contracts.COHORTS)
    log.info("%d patients (%s), %d resamples", len(patients), told, splits["resample"].nunique())

    write_table(splits, given.splits, contracts.SPLITS)


if __name__ == "__main__":
    run(main)
