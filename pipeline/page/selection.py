"""What the report says of selected features and of networks: how often, how many, by which strategy."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.page.inputs import ReportInputs

FINAL = "final"
FIT = ["resample", "part"]
GREEN, AMBER, RED, UNKNOWN = "green", "amber", "red", "unknown"


def selection_tables(study: ReportInputs) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How often each feature was selected over the fits of cross-validation, and how many features a fit kept.

    A fit is one resample and part; fits that kept nothing count. Blocks that are not selected (clinical) are not in
    it. `coefficient` is the mean over the parts of resample `final` that selected the feature.
    """
    rule = study.params.get("reduce", {}).get("lasso", {}).get("rule")
    frequencies, kept = [], []
    for name in study.sets:
        chosen = study.selected[name]
        if rule is not None:
            chosen = chosen[chosen["rule"] == rule]
        for block, rows in chosen.groupby("block", sort=True):
            # Every fit has a row for its intercept, kept features or not; words in brackets are no features.
            fits, own = rows[FIT].drop_duplicates(), rows[~rows["feature"].str.startswith("(")]
            frequencies.append(_frequencies(own, fits=fits, names=(name, str(block))))
            kept.append(_kept(own, fits=fits, names=(name, str(block))))
    columns = ["feature_set", "block", "feature", "n_selected", "n_fits", "frequency", "n_final", "coefficient"]
    table = pd.concat(frequencies, ignore_index=True) if frequencies else pd.DataFrame(columns=columns)
    counts = ["feature_set", "block", "n_fits", "n_empty", "median", "least", "most"]
    return table.reindex(columns=columns), pd.DataFrame(kept, columns=counts)


def _frequencies(own: pd.DataFrame, *, fits: pd.DataFrame, names: tuple[str, str]) -> pd.DataFrame:
    folds = int((fits["resample"] != FINAL).sum())
    final = own["resample"] == FINAL
    table = pd.DataFrame({"feature": sorted(own["feature"].unique())})
    table["n_selected"] = table["feature"].map(own[~final].groupby("feature").size()).fillna(0).astype(int)
    table["frequency"] = table["n_selected"] / folds if folds else float("nan")
    table["n_final"] = table["feature"].map(own[final].groupby("feature").size()).fillna(0).astype(int)
    table["coefficient"] = table["feature"].map(own[final].groupby("feature")["coefficient"].mean())
    return table.assign(feature_set=names[0], block=names[1], n_fits=folds)


def _kept(own: pd.DataFrame, *, fits: pd.DataFrame, names: tuple[str, str]) -> tuple[Any, ...]:
    sizes = fits.merge(own.groupby(FIT).size().rename("kept").reset_index(), on=FIT, how="left")["kept"].fillna(0)
    return *names, len(sizes), int((sizes == 0).sum()), sizes.median(), sizes.min(), sizes.max()


def light(cards: list[dict[str, Any]]) -> str:
    """green: crossfit, or frozen weights trained on other patients; amber: frozen weights trained on nobody knows whom;
    red: trained on the very rows it describes (insample). unknown: no card says.
    """
    strategies = {card.get("strategy") for card in cards}
    if "insample" in strategies:
        return RED
    if strategies == {"crossfit"}:
        pretrained = {card.get("trained_on") for card in cards} - {None, "other_patients"}
        return AMBER if pretrained else GREEN
    if strategies == {"frozen"}:
        return GREEN if {card.get("trained_on") for card in cards} == {"other_patients"} else AMBER
    return UNKNOWN


def network_table(study: ReportInputs) -> pd.DataFrame:
    """Strategy and light of each network, how many copies were trained, and on how many patients."""
    rows = []
    for net, cards in study.cards.items():
        trained = [card["n_patients"] for card in cards if card.get("n_patients")]
        rows.append(
            {
                "network": net,
                "strategy": ", ".join(sorted({str(card.get("strategy", "unknown")) for card in cards})) or "unknown",
                "trained_on": ", ".join(sorted({str(card["trained_on"]) for card in cards if card.get("trained_on")})),
                "light": light(cards),
                "n_trained": len(trained),
                "min_patients": min(trained, default=None),
                "max_patients": max(trained, default=None),
            }
        )
    columns = ["network", "strategy", "trained_on", "light", "n_trained", "min_patients", "max_patients"]
    return pd.DataFrame(rows, columns=columns).astype({"min_patients": "Int64", "max_patients": "Int64"})


def set_lights(study: ReportInputs) -> Mapping[str, str]:
    """The worst light of the networks in each feature set; sets without a network are not in it."""
    order = [GREEN, UNKNOWN, AMBER, RED]
    nets = {net: light(cards) for net, cards in study.cards.items()}
    found: dict[str, str] = {}
    for name, blocks in study.params.get("fusion", {}).get("sets", {}).items():
        own = [nets[block] for block in blocks if block in nets]
        if own:
            found[name] = max(own, key=order.index)
    return found
