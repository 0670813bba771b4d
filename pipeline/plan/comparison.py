"""The pre-specified comparison: what the params declare, checked against the data before the long stages start."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.foundation.params import Params


class PrimaryParams(Params):
    """The single confirmatory comparison."""

    feature_set: str = Field(min_length=1)
    comparator: str = Field(min_length=1)
    evaluation: Literal["internal", "external"]


class BootstrapParams(Params):
    """Bootstrap of patients, for intervals without a closed form."""

    replicates: int = Field(ge=0, le=100_000, description="bootstrap samples of patients; 0 = no such interval")
    seed: int = Field(ge=0, le=2**31 - 1)


class PartialAucParams(Params):
    """The clinically relevant range of the ROC curve."""

    axis: Literal["specificity", "sensitivity"]
    low: float = Field(ge=0, lt=1)
    high: float = Field(gt=0, le=1)

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"key 'partial_auc.low' has the value {self.low}: it must be below high ({self.high})")
        return self


class DecisionParams(Params):
    """The thresholds of the decision curves: the risks at which a clinician might act."""

    low: float = Field(gt=0, lt=1)
    high: float = Field(gt=0, lt=1)
    step: float = Field(ge=0.001, le=0.5)
    at: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(description="thresholds for the gain in net benefit")

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
    prevalence: float | None = Field(gt=0, lt=1, description="prevalence of the event in the intended population")
    partial_auc: PartialAucParams
    bootstrap: BootstrapParams
    calibration_groups: int = Field(ge=3, le=50, description="maximum number of equal-sized groups by predicted risk")
    decision: DecisionParams

    @model_validator(mode="after")
    def _two_sets(self) -> Self:
        if self.primary and self.primary.feature_set == self.primary.comparator:
            raise ValueError(
                f"key 'primary.comparator' has the value '{self.primary.comparator}': it is the primary set"
            )
        return self
