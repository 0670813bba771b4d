"""Whether the points of the nomogram sum to the model's own risk, patient by patient."""

import pandas as pd

from pipeline.contracts.reports.report import NOMOGRAM_CHECK
from pipeline.report.inputs import ReportInputs
from pipeline.report.nomogram import check_nomogram


def nomogram_check_table(study: ReportInputs) -> pd.DataFrame:
    """The largest distance of a test patient's risk by points from the model's score; no row without a nomogram.

    Raises PipelineError where it is over 1e-6.
    """
    rows = []
    if study.nomogram is not None:
        name = study.nomogram.feature_set
        n, apart = check_nomogram(study.nomogram, reduced=study.reduced[name], predictions=study.predictions[name])
        rows.append((name, n, apart))
    return pd.DataFrame(rows, columns=[column.name for column in NOMOGRAM_CHECK.columns])
