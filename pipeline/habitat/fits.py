"""Which clusterings a study needs, and on whose voxels: one per resample and part, as `reduce` will ask for them.

Part a serves classifiers that are fitted on half b, hence its clusters are fitted on half b; part `all` on all training
patients of the resample.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.contracts.data.split import ALL, OTHER_HALF
from pipeline.foundation.errors import CohortError
from pipeline.plan.feature_sets import FusionParams, network_behind
from pipeline.plan.network_settings import strategy_of

HALVED = "crossfit"  # the strategy whose networks are trained on one half of the training patients


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One clustering: the patients it is fitted on, and all whose lesions it labels (these and the held-out ones)."""

    resample: str
    part: str
    trained: frozenset[str]
    labelled: frozenset[str]

    @property
    def rows(self) -> tuple[str, str]:
        """Resample and part."""
        return self.resample, self.part


def parts_needed(fusion: FusionParams, *, embed: Mapping[str, Any], block: str, tested: str | None) -> tuple[str, ...]:
    """The parts in which `block` is asked for: a and b if a set is fitted in halves, `all` if one is not.

    With `match_parts` one cross-fitted network puts every set into halves; the self-tests fit the set `tested` without
    its networks, on all training patients. `embed` is the content of params/embed.yaml. () if no set has the block.
    """
    if block not in fusion.blocks:
        return ()
    nets = [str(net) for net in embed.get("nets") or ()]
    halved = {net for net in nets if strategy_of(embed, net=net) == HALVED}
    behind = {name: {network_behind(one, nets=nets) for one in blocks} for name, blocks in fusion.sets.items()}
    if fusion.match_parts:
        in_halves = {bool(set().union(*behind.values()) & halved)}
    else:
        in_halves = {bool(behind[name] & halved) for name, blocks in fusion.sets.items() if block in blocks}
    if block in fusion.sets.get(tested or "", ()):
        in_halves.add(False)
    return (*([ALL] if False in in_halves else []), *(OTHER_HALF if True in in_halves else ()))


def fits_of(splits: pd.DataFrame, *, parts: tuple[str, ...]) -> list[Fit]:
    """The clusterings of every resample, sorted; `splits` is the table of `split`.

    Raises CohortError if a training patient lacks the half that parts a and b need.
    """
    found = []
    for resample, rows in splits.groupby("resample", sort=True):
        train = rows[rows["role"] == "train"]
        held_out = frozenset(rows.loc[rows["role"] != "train", "patient_id"])
        without = sorted(train.loc[train["half"].isna(), "patient_id"])
        if without and set(parts) & set(OTHER_HALF):
            raise CohortError(
                f"data/splits.csv: resample {resample}, patient {without[0]}: role train without a half, which "
                "habitats of parts a and b need; run split again"
            )
        for part in parts:
            own = train if part == ALL else train[train["half"] == OTHER_HALF[part]]
            trained = frozenset(own["patient_id"])
            found.append(Fit(resample=str(resample), part=part, trained=trained, labelled=trained | held_out))
    return found
