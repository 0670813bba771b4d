"""compare: metrics with intervals, the classifier of each set, DeLong and McNemar tests, the primary comparison."""

import logging
from pathlib import Path

from pipeline import result_contracts
from pipeline.compare import choose, fold_table, summary_json
from pipeline.compare_counts import mcnemar_table
from pipeline.compare_curves import curve_table
from pipeline.compare_inputs import params_for, read_predictions
from pipeline.compare_metrics import metric_table
from pipeline.compare_pairs import delong_table, omnibus_table
from pipeline.model_scores import model_scores
from pipeline.params import load_params
from pipeline.plan import CompareParams
from pipeline.tables import write_table
from stages.cli import arguments, run

log = logging.getLogger(__name__)
LISTED_IN = ("fusion", "embed")  # params files that list the tables of a folder; a single file stands alone


def main() -> None:
    """Read the predictions of every set and network, compute, write the tables and the short summary."""
    parser = arguments(__doc__, paths=("params", "predictions", "tables"))
    for name in (*LISTED_IN, "metrics"):
        parser.add_argument(f"--{name}", type=Path, metavar="PATH")
    given = parser.parse_args()
    params = load_params(given.params, CompareParams)
    predictions = read_predictions(given.predictions, fusion=given.fusion, embed=given.embed)
    if given.predictions.is_file():
        params, told = params_for(predictions, params=params)
        if told:
            log.warning("%s", told)

    models = model_scores(predictions, place=str(given.predictions))
    folds = fold_table(predictions)
    metrics = metric_table(models, folds=folds, params=params)
    chosen = choose(folds, models, primary=params.primary)
    omnibus = omnibus_table(models, chosen=chosen, params=params)
    delong = delong_table(models, chosen=chosen, params=params)
    mcnemar = mcnemar_table(models, chosen=chosen, params=params)
    curves = curve_table(models, chosen=chosen)
    for row in chosen[chosen["n_folds"] > 0].itertuples():
        log.info("%s: %s, mean AUC of %d folds %.3f", row.feature_set, row.model, row.n_folds, row.mean_auc)

    write_table(metrics, given.tables / "metrics.csv", result_contracts.METRICS)
    write_table(folds, given.tables / "folds.csv", result_contracts.FOLDS)
    write_table(chosen, given.tables / "chosen.csv", result_contracts.CHOSEN)
    write_table(omnibus, given.tables / "omnibus.csv", result_contracts.OMNIBUS)
    write_table(delong, given.tables / "delong.csv", result_contracts.DELONG)
    write_table(mcnemar, given.tables / "mcnemar.csv", result_contracts.MCNEMAR)
    write_table(curves, given.tables / "curves.csv", result_contracts.CURVES)
    if given.metrics:
        given.metrics.write_text(summary_json(metrics, delong=delong, chosen=chosen), encoding="utf-8")


if __name__ == "__main__":
    run(main)
