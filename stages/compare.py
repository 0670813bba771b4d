"""compare: metrics with intervals, the classifier of each set, tests, calibration, net benefit, added value."""

import logging
from pathlib import Path

from pipeline.compare.added_value import added_value_table
from pipeline.compare.calibration import calibration_curve_table, calibration_table
from pipeline.compare.chosen import choose, fold_table, summary_json
from pipeline.compare.curves import curve_table
from pipeline.compare.decision_curves import decision_curve_table
from pipeline.compare.delong import delong_table, omnibus_table
from pipeline.compare.inputs import read_comparison
from pipeline.compare.mcnemar import mcnemar_table
from pipeline.compare.metrics import metric_table
from pipeline.compare.transport import transport_table
from pipeline.contracts.reports.compare import TABLES
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import write_table
from pipeline.plan.comparison import CompareParams
from stages.cli import arguments, run

log = logging.getLogger(__name__)
MADE = {"omnibus": omnibus_table, "delong": delong_table, "mcnemar": mcnemar_table}
MADE |= {"calibration": calibration_table, "calibration_curves": calibration_curve_table}
MADE |= {"decision_curves": decision_curve_table, "added_value": added_value_table}
LISTED_IN = ("fusion", "embed")  # params files that list the tables of a folder; not needed for a single file


def main() -> None:
    """Read the predictions of every set and network, compare them, write the tables and the short summary."""
    parser = arguments(__doc__, paths=("params", "predictions", "tables"))
    for name in (*LISTED_IN, "metrics"):
        parser.add_argument(f"--{name}", type=Path, metavar="PATH")
    given = parser.parse_args()
    params = load_params(given.params, CompareParams)
    compared = read_comparison(given.predictions, fusion=given.fusion, embed=given.embed, params=params)
    models, params = compared.models, compared.params
    for sentence in compared.warnings:
        log.warning("%s", sentence)

    folds = fold_table(compared.predictions)
    chosen = choose(folds, models, primary=params.primary)
    for row in chosen[chosen["n_folds"] > 0].itertuples():
        log.info("%s: %s, mean AUC of %d folds %.3f", row.feature_set, row.model, row.n_folds, row.mean_auc)
    results = {"folds": folds, "chosen": chosen, "metrics": metric_table(models, folds=folds, params=params)}
    for name, made in MADE.items():
        results[name] = made(models, chosen=chosen, params=params)
    for name, drawn in {"transport": transport_table, "curves": curve_table}.items():
        results[name] = drawn(models, chosen=chosen)

    for name, table in results.items():
        write_table(table, given.tables / f"{name}.csv", TABLES[name])
    if given.metrics:
        summary = summary_json(results["metrics"], delong=results["delong"], chosen=chosen)
        given.metrics.write_text(summary, encoding="utf-8")


if __name__ == "__main__":
    run(main)
