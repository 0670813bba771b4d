"""The blocks of features that make up each feature set."""

import re
from collections.abc import Collection

from pydantic import Field, field_validator

from pipeline.contracts.data.embed import LOGIT
from pipeline.foundation.params import Params

NAME = re.compile(r"[a-z0-9_]+")
CLINICAL, RADIOMICS = "clinical", "radiomics"
PREDICTED = "radiomics_predicted"  # radiomics of predicted masks, also where a mask is given
HABITAT, PERITUMORAL = "habitat", "peritumoral"
# Blocks that a stage makes from the images, without a network.
OF_IMAGES = (RADIOMICS, PREDICTED, HABITAT, PERITUMORAL)


def network_behind(block: str, *, nets: Collection[str]) -> str | None:
    """The network whose embedding or logit the block holds; None for any other block."""
    own = block.removesuffix(LOGIT)
    return own if own in nets else None


class FusionParams(Params):
    """`params/fusion.yaml`: the blocks of each feature set, and whether all sets are fitted on the same halves."""

    sets: dict[str, tuple[str, ...]] = Field(min_length=1)
    match_parts: bool

    @field_validator("sets")
    @classmethod
    def _named_blocks(cls, sets: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for name, blocks in sets.items():
            if not blocks:
                raise ValueError(f"set '{name}' is empty; name at least one block, or remove the set")
            if len(set(blocks)) < len(blocks):
                raise ValueError(f"set '{name}' ({', '.join(blocks)}) names a block twice")
            for word in (name, *blocks):
                if not NAME.fullmatch(word):
                    raise ValueError(f"'{word}' in set '{name}' is not a name; use only the letters a-z, digits and _")
        return sets

    @property
    def blocks(self) -> list[str]:
        """Every block used by at least one set, sorted."""
        return sorted({block for blocks in self.sets.values() for block in blocks})
