"""`params/habitat.yaml`."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipeline.foundation.params import Params
from pipeline.plan.feature_sets import NAME

ALL_K = (2, 3, 4, 5, 6)
Method = Literal["kmeans", "gmm"]
Score = Literal["silhouette", "calinski_harabasz"]


class VoxelParams(Params):
    """The features of a voxel."""

    window_px: tuple[Annotated[int, Field(ge=3, le=9)], ...] = Field(min_length=1)
    entropy_bins: int = Field(ge=8, le=16)

    @field_validator("window_px")
    @classmethod
    def _odd_and_rising(cls, sides: tuple[int, ...]) -> tuple[int, ...]:
        if any(side % 2 == 0 for side in sides):
            raise ValueError("a window needs a centre: use the odd sides 3, 5, 7 and 9")
        if list(sides) != sorted(set(sides)):
            raise ValueError("name each side once, the smallest first")
        return sides


class RingParams(Params):
    """One ring: the distances from the lesion's border between which it lies, negative inside the lesion."""

    name: str
    inner: float = Field(ge=-50, le=50)
    outer: float = Field(ge=-50, le=50)

    @model_validator(mode="after")
    def _a_ring(self) -> Self:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"ring '{self.name}' is not a name; use only the letters a-z, digits and _")
        if self.inner >= self.outer:
            raise ValueError(f"ring '{self.name}': inner ({self.inner:g}) must be below outer ({self.outer:g})")
        return self


class HabitatParams(Params):
    """`params/habitat.yaml`."""

    voxels: VoxelParams
    method: Method
    k: Literal["auto", 2, 3, 4, 5, 6]
    score: Score
    score_voxels: int = Field(ge=100, le=20_000)
    voxels_per_patient: int = Field(ge=10, le=10_000)
    n_init: int = Field(ge=1, le=100)
    min_voxels: int = Field(ge=2, le=1_000_000)
    radiomics: dict[str, Any] | None
    rings: tuple[RingParams, ...]
    min_inside: float = Field(gt=0, le=1)

    @property
    def candidates(self) -> tuple[int, ...]:
        """The numbers of habitats to choose from."""
        return ALL_K if self.k == "auto" else (self.k,)

    @field_validator("radiomics")
    @classmethod
    def _no_shape(cls, settings: dict[str, Any] | None) -> dict[str, Any] | None:
        classes = (settings or {}).get("featureClass")
        if settings is not None and not isinstance(classes, dict):
            raise ValueError("name the classes in featureClass, such as {firstorder: [Mean]}")
        if shapes := [name for name in classes or () if str(name).startswith("shape")]:
            raise ValueError(f"remove {shapes[0]} from featureClass: the habitat features describe the shape already")
        return settings

    @field_validator("rings")
    @classmethod
    def _named_once(cls, rings: tuple[RingParams, ...]) -> tuple[RingParams, ...]:
        names = [ring.name for ring in rings]
        if len(set(names)) < len(names):
            raise ValueError(f"the rings are named {', '.join(names)}: each needs a name of its own")
        return rings
