"""Ready-made tables: on which patients the models behind them were trained, as the user declares."""

from collections.abc import Collection

import pandas as pd

from pipeline.selftest.lights import Check, Light

SEEN, UNKNOWN = "these_patients", "unknown"  # values of `trained_on`


def ready_made_check(origins: pd.DataFrame, *, used: Collection[str]) -> Check:
    """No ready-made table of the compared sets is declared to come from a model that was trained on these patients.

    `origins` is `block_origins.csv` (block, trained_on), `used` the blocks of the compared sets. Nothing in a table of
    numbers proves on whom a model was trained, so that the light repeats the declaration.
    """
    found = origins.loc[origins["block"].isin(list(used)), "trained_on"]
    seen, unknown = int((found == SEEN).sum()), int((found == UNKNOWN).sum())
    light: Light = "grey" if found.empty else "red" if seen else "amber" if unknown else "green"
    return Check(
        check="ready_made_blocks",
        light=light,
        title="Every ready-made table is declared free of models trained on these patients",
        rule="Red if a ready-made table of a compared set is declared trained_on: these_patients, amber if one is "
        "declared unknown, or not declared (the value counts them). The light repeats the user's declaration.",
        finding={
            "grey": "No compared set uses a ready-made table.",
            "red": "A ready-made table comes from a model that was trained on these patients, so its results are "
            "optimistic.",
            "amber": "It is not declared on which patients the models behind some ready-made tables were trained; set "
            "trained_on in params/cohort.yaml.",
            "green": "The user declares that no model behind the ready-made tables was trained on these patients.",
        }[light],
        value=None if light == "grey" else float(seen or unknown),
        limit=None if light == "grey" else 0.0,
    )
