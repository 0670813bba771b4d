"""Waterfalls of the cases that the report shows, beside the maps of a network."""

from collections.abc import Sequence

import pandas as pd

from pipeline.contracts.reports.explain import EXPLAIN
from pipeline.explain.contributions import Explained
from pipeline.explain.examples import Example
from pipeline.explain.waterfall import waterfall
from pipeline.plan.feature_names import column_words

MINUS = "\N{MINUS SIGN}"


def value_label(column: str, value: float) -> str:
    """A feature with its value, such as `age = 63`: a z-score, or a clinical column in its own unit."""
    return f"{column_words(column)} = {f'{value:.3g}'.replace('-', MINUS)}"


def case_waterfalls(
    table: pd.DataFrame, *, examples: Sequence[Example], explained: Explained | None, largest: int
) -> tuple[pd.DataFrame, list[tuple[str, bytes]]]:
    """`explain.csv` with the columns of the waterfalls, and their file names with their drawings.

    `table`: that of `explain_table`, one row per example. The columns are empty without contributions (`explained` is
    None, or its models have no feature).
    """
    empty = table.reindex(columns=EXPLAIN.names)
    if explained is None or not explained.columns():
        return empty, []
    contributions, values, outputs = explained.contributions(), explained.values(), explained.outputs()
    rows, drawings = [], []
    for row, example in zip(empty.to_dict("records"), examples, strict=True):
        own = contributions.loc[example.patient_id]
        output = float(outputs[example.patient_id])
        name = str(row["picture"]).replace(".png", ".svg")
        drawing = waterfall(
            own.to_numpy(dtype=float),
            base=explained.base,
            output=output,
            labels=[value_label(str(one), float(values.loc[example.patient_id, one])) for one in own.index],
            unit=explained.unit,
            largest=largest,
            title=f"Contributions of the features for {row['case']}",
        )
        drawings.append((name, drawing))
        rows.append(row | {"waterfall": name, "unit": explained.unit, "base": explained.base, "output": output})
    return pd.DataFrame(rows, columns=EXPLAIN.names), drawings
