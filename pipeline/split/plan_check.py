"""Check that the planned comparison can be carried out on these patients and splits."""

from collections.abc import Collection, Sequence

import pandas as pd

from pipeline.contracts.data.cohort import NOT_CLINICAL
from pipeline.contracts.data.embed import LOGIT
from pipeline.contracts.data.split import FINAL
from pipeline.foundation.errors import PipelineError, listed
from pipeline.plan.comparison import PrimaryParams
from pipeline.plan.feature_sets import CLINICAL, HABITAT, OF_IMAGES, PERITUMORAL, FusionParams, network_behind
from pipeline.plan.radiomics_use import RadiomicsUse


def check_plan(
    splits: pd.DataFrame,
    *,
    patients: pd.DataFrame,
    fusion: FusionParams,
    primary: PrimaryParams | None,
    networks: Sequence[str],
    trained: Sequence[str],
    tables: Collection[str],
    tested: str | None,
    filtered: bool,
    repeated: str | None,
    use: RadiomicsUse,
) -> None:
    """Refuse a plan that cannot be carried out, before hours of computing.

    `splits` and `patients` are the tables of these names, `networks` the names of `params/embed.yaml`, `trained`
    those that are trained (frozen networks have no logit), `tables` the ready-made blocks, `tested` the set of the
    self-tests, `filtered` whether features are filtered by agreement, `repeated` the source of repeated masks, `use`
    what the radiomics are for. Raises PipelineError with every fault at once: a block that does not exist, a clinical
    block without columns, a primary set that is not defined, a primary evaluation without patients of both classes, a
    set of the self-tests that is not defined or has networks only, a filter by agreement without repeated masks.
    """
    faults = _block_faults(patients, fusion=fusion, networks=networks, trained=trained, tables=tables)
    faults += _tested_faults(tested, fusion=fusion, networks=networks)
    if set(OF_IMAGES) & set(fusion.blocks) and use.outlines and filtered and repeated == "none":
        faults.append(
            "params/reduce.yaml: key 'agreement' asks for features that agree between repeated masks, and source is "
            "none in params/agreement.yaml; set agreement to null, or name a source of repeated masks"
        )
    if primary is not None:
        faults += _set_faults(primary, sets=list(fusion.sets))
        faults += _evaluation_faults(primary, splits=splits, patients=patients)
    if len(faults) == 1:
        raise PipelineError(faults[0])
    if faults:
        raise PipelineError(listed(faults, heading=f"{len(faults)} params do not fit these data"))


def _block_faults(
    patients: pd.DataFrame,
    *,
    fusion: FusionParams,
    networks: Sequence[str],
    trained: Sequence[str],
    tables: Collection[str],
) -> list[str]:
    known = [CLINICAL, *OF_IMAGES, *networks, *sorted(tables), *(f"{net}{LOGIT}" for net in trained)]
    faults = [
        f"params/fusion.yaml: block '{block}' does not exist; the blocks are {', '.join(known)} (networks are listed "
        "in params/embed.yaml under nets, ready-made tables in params/cohort.yaml)"
        for block in fusion.blocks
        if block not in known
    ]
    if CLINICAL in fusion.blocks and not set(patients.columns) - set(NOT_CLINICAL):
        using = ", ".join(name for name, blocks in fusion.sets.items() if CLINICAL in blocks)
        faults.append(
            "params/fusion.yaml: block 'clinical' has no column, since the source gives no clinical data; remove it "
            f"from the sets that use it ({using}), or name a clinical table in params/cohort.yaml"
        )
    return faults


def plan_notes(use: RadiomicsUse, *, blocks: Collection[str]) -> list[str]:
    """What will be passed over in this study, and why, one sentence each; `blocks` are those of all sets."""
    regions = {HABITAT, PERITUMORAL} & set(blocks)
    if not (use.used or use.predicted):
        what = "their extraction" if regions else "their extraction and agreement"
        notes = [f"no set of params/fusion.yaml uses radiomics: {what} will be passed over"]
    else:
        notes = []
    if (use.used or use.predicted or regions) and not use.outlines:
        notes.append(
            "every mask covers its whole image: perturbed contours, the filter by agreement, features of shape and the "
            "self-tests beside the lesion will be passed over"
        )
    return notes


def _tested_faults(tested: str | None, *, fusion: FusionParams, networks: Sequence[str]) -> list[str]:
    place, sets = f"params/selftest.yaml: key 'feature_set' names {tested}, which", fusion.sets
    if tested not in sets:
        return [f"{place} is not in params/fusion.yaml; the sets are {', '.join(sets)}; name one of them"]
    if all(network_behind(block, nets=networks) for block in sets[tested]):
        return [f"{place} has networks only; name a set with another block, since the self-tests leave networks out"]
    return []


def _set_faults(primary: PrimaryParams, *, sets: Sequence[str]) -> list[str]:
    return [
        f"params/compare.yaml: key 'primary.{key}' names the set {getattr(primary, key)}, which is not in "
        f"params/fusion.yaml; the sets are {', '.join(sets)}; name one of them, or set primary to null"
        for key in ("feature_set", "comparator")
        if getattr(primary, key) not in sets
    ]


def _evaluation_faults(primary: PrimaryParams, *, splits: pd.DataFrame, patients: pd.DataFrame) -> list[str]:
    final = splits[splits["resample"] == FINAL].merge(patients[["patient_id", "label"]], on="patient_id")
    classes = final[final["role"] != "train"].groupby("role")["label"].nunique()
    usable = list(classes[classes == 2].index)
    if primary.evaluation in usable:
        return []
    advice = f"name {' or '.join(usable)}, or set" if usable else "set"
    return [
        f"params/compare.yaml: key 'primary.evaluation' names {primary.evaluation}, but these data have no "
        f"{primary.evaluation} patients of both classes; {advice} primary to null"
    ]
