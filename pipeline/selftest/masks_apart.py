"""Whether every predicted mask comes from a network that never saw the patient's group."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.contracts.data.cohort import WHOLE
from pipeline.contracts.data.segment import MASKS
from pipeline.contracts.data.split import ALL
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.tables import read_table
from pipeline.selftest.lights import Check

FILES = ("mask-predictions", "mask-networks")  # masks.csv of the predicted masks, folder of their networks
TITLE = "By its card, no network outlined a patient whose group it was trained on"
RULE = (
    "Red if a predicted mask is by a network that was trained on a patient of the same group, or its card does not fit "
    "the splits (the value counts such masks and networks); amber for an encoder's supplied weights whose training "
    "patients are unknown."
)


def masks_check(
    given: Mapping[str, Path], *, cohort: pd.DataFrame, patients: pd.DataFrame, splits: pd.DataFrame
) -> Check:
    """The light; grey if no mask was predicted. `given` has the flags of the stage by name.

    Raises TableError if the table of masks breaks its contract.
    """
    masks = read_table(given["mask_predictions"], MASKS)
    if masks.empty:
        finding = "No mask was predicted."
        return Check(check="masks_apart", light="grey", title=TITLE, rule=RULE, finding=finding)
    cards = {
        (card["network"], card["resample"], card["part"]): card
        for file in sorted(given["mask_networks"].glob("*/*.json"))
        for card in [json.loads(file.read_text(encoding="utf-8"))]
    }
    group = patients.set_index("patient_id")["group_id"]
    wrong = 0
    for (network, resample, part), rows in masks.groupby(["network", "resample", "part"]):
        own = splits[(splits["resample"] == resample) & (splits["role"] == "train")]
        trained = set(own.loc[(part == ALL) | (own["half"] == part), "patient_id"])
        card: Mapping[str, Any] = cards.get((str(network), str(resample), str(part)), {})
        teaching = _teaching(cohort, with_gland=bool(card.get("learns_gland")))
        taught = sorted((trained & teaching) - set(card.get("without_usable_mask", ())))
        wrong += int(group.reindex(rows["patient_id"]).isin(set(group.reindex(sorted(trained)))).sum())
        wrong += int(card.get("trained_ids_sha256") != fingerprint(taught))
    return _light(
        wrong, n_masks=len(masks), unknown=any(card.get("trained_on") == "unknown" for card in cards.values())
    )


def _light(wrong: int, *, n_masks: int, unknown: bool) -> Check:
    if wrong:
        finding = "Some masks are by networks that saw the patient's group, or not by those of the splits."
    elif unknown:
        finding = "The encoder's weights were supplied without a statement that they were trained on other patients."
    else:
        finding = f"All {n_masks} predicted masks are by networks that were not trained on the patient's group."
    return Check(
        check="masks_apart",
        light="red" if wrong else "amber" if unknown else "green",
        title=TITLE,
        rule=RULE,
        finding=finding,
        value=float(wrong),
        limit=0.0,
    )


def _teaching(cohort: pd.DataFrame, *, with_gland: bool) -> set[str]:
    """The patients whose images can teach a network: with a given outline, or for some networks a gland."""
    teaches = cohort["mask"].notna() & (cohort["mask_source"] != WHOLE)
    if with_gland:
        teaches |= cohort["gland_mask"].notna()
    return set(cohort.loc[teaches, "patient_id"])
