"""The plan of the comparison: what the params name beforehand, held against the data before the long work starts."""

from collections.abc import Collection, Sequence
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from pipeline.contracts.data.cohort import NOT_CLINICAL
from pipeline.contracts.data.embed import LOGIT
from pipeline.foundation.errors import PipelineError, listed
from pipeline.foundation.params import Params
from pipeline.plan.feature_sets import FusionParams


class PrimaryParams(Params):
    """The one comparison that is confirmatory."""

    feature_set: str = Field(min_length=1)
    comparator: str = Field(min_length=1)
    evaluation: Literal["internal", "external"]


class BootstrapParams(Params):
    """How often patients are drawn anew for the intervals that have no formula."""

    replicates: int = Field(ge=0, le=100_000, description="samples of patients; 0 = no such interval")
    seed: int = Field(ge=0, le=2**31 - 1)


class PartialAucParams(Params):
    """The part of the ROC curve in which a clinic would work."""

    axis: Literal["specificity", "sensitivity"]
    low: float = Field(ge=0, lt=1)
    high: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"key 'partial_auc.low' has the value {self.low}: it must be below high ({self.high})")
        return self


class DecisionParams(Params):
    """The thresholds of the decision curves: the risks at which a clinic might act."""

    low: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    step: float = Field(ge=0.001, le=0.5)
    at: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(description="thresholds of the gain in net benefit")

    @model_validator(mode="after")
    def _a_grid(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"key 'decision.low' has the value {self.low}: it must be below high ({self.high})")
        if len(set(self.at)) < len(self.at):
            raise ValueError("key 'decision.at' names a threshold twice")
        return self


class CompareParams(Params):
    """`params/compare.yaml`."""

    primary: PrimaryParams | None
    all_pairs: bool
    prevalence: float | None = Field(gt=0, lt=1, description="fraction of events where the model is to be used")
    partial_auc: PartialAucParams
    bootstrap: BootstrapParams
    calibration_groups: int = Field(ge=3, le=50, description="groups of equal size by predicted risk, at most")
    decision: DecisionParams

    @model_validator(mode="after")
    def _two_sets(self) -> Self:
        if self.primary and self.primary.feature_set == self.primary.comparator:
            raise ValueError(
                f"key 'primary.comparator' has the value '{self.primary.comparator}': it is the primary set"
            )
        return self


def check_plan(
    splits: pd.DataFrame,
    *,
    patients: pd.DataFrame,
    fusion: FusionParams,
    primary: PrimaryParams | None,
    networks: Sequence[str],
    trained: bool,
    tables: Collection[str],
) -> None:
    """Refuse a plan that cannot be carried out, before hours go into it.

    `splits` and `patients` are the tables of these names, `networks` the names of `params/embed.yaml`, `trained`
    whether these are (else they have no logit), `tables` the ready-made blocks. Raises PipelineError with every fault
    at once: a block that is nowhere, a clinical block without a column, a primary set that is no set, a primary
    evaluation without patients of both classes.
    """
    faults = _block_faults(patients, fusion=fusion, networks=networks, trained=trained, tables=tables)
    if primary is not None:
        faults += _set_faults(primary, sets=list(fusion.sets))
        faults += _evaluation_faults(primary, splits=splits, patients=patients)
    if len(faults) == 1:
        raise PipelineError(faults[0])
    if faults:
        raise PipelineError(listed(faults, heading=f"{len(faults)} params do not fit these data"))


def _block_faults(
    patients: pd.DataFrame, *, fusion: FusionParams, networks: Sequence[str], trained: bool, tables: Collection[str]
) -> list[str]:
    known = ["clinical", "radiomics", *networks, *sorted(tables)]
    if trained:
        known += [f"{net}{LOGIT}" for net in networks]
    faults = [
        f"params/fusion.yaml: block '{block}' is not there; the blocks are {', '.join(known)} (networks are listed in "
        "params/embed.yaml under nets, ready-made tables in params/cohort.yaml)"
        for block in fusion.blocks
        if block not in known
    ]
    if "clinical" in fusion.blocks and not set(patients.columns) - set(NOT_CLINICAL):
        using = ", ".join(name for name, blocks in fusion.sets.items() if "clinical" in blocks)
        faults.append(
            "params/fusion.yaml: block 'clinical' has no column, since the source gives no clinical data; take it out "
            f"of the sets that use it ({using}), or name a clinical table in params/cohort.yaml"
        )
    return faults


def _set_faults(primary: PrimaryParams, *, sets: Sequence[str]) -> list[str]:
    return [
        f"params/compare.yaml: key 'primary.{key}' names the set {getattr(primary, key)}, which is not in "
        f"params/fusion.yaml; the sets are {', '.join(sets)}; name one of them, or set primary to null"
        for key in ("feature_set", "comparator")
        if getattr(primary, key) not in sets
    ]


def _evaluation_faults(primary: PrimaryParams, *, splits: pd.DataFrame, patients: pd.DataFrame) -> list[str]:
    final = splits[splits["resample"] == "final"].merge(patients[["patient_id", "label"]], on="patient_id")
    classes = final[final["role"] != "train"].groupby("role")["label"].nunique()
    usable = list(classes[classes == 2].index)
    if primary.evaluation in usable:
        return []
    advice = f"name {' or '.join(usable)}, or set" if usable else "set"
    return [
        f"params/compare.yaml: key 'primary.evaluation' names {primary.evaluation}, but these data have no "
        f"{primary.evaluation} patients of both classes; {advice} primary to null"
    ]
