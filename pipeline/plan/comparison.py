"""The plan of the comparison: what the params name beforehand, held against the data before the long work starts."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.foundation.params import Params


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
