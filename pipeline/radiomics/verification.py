"""A seeded sample of the ROIs, extracted by PyRadiomics too: the oracle of our engine in every run."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.contracts.data.radiomics import ENGINE_CHECK
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.fingerprints import file_sha256, fingerprint
from pipeline.foundation.images import read_image
from pipeline.radiomics import pyradiomics
from pipeline.radiomics.engine.undefined import UNDEFINED
from pipeline.radiomics.features import ExtractionCase, extract_case
from pipeline.radiomics.recipe import Recipe, on_grid

_DRAW = 7311  # sets this draw apart from other uses of the seed
# Below this size a difference is measured in absolute terms: 1e-12 is rounding.
FLOOR = 1e-6
# Ill-conditioned features with a bound of their own: roots and quotients of what is 0 but for rounding, and sums that
# cancel. Both engines are right then, and differ in digits that mean nothing.
FLOORS = {"MCC": 1.0, "Imc1": 1.0, "Imc2": 1.0, "Correlation": 1.0, "Skewness": 1e-3, "ClusterShade": 1e-3}
_CONSTANTS = {(row.feature_class, row.feature): row.pyradiomics for row in UNDEFINED}


def drawn_cases(cases: Sequence[ExtractionCase], *, ok: set[str], n: int, seed: int) -> list[ExtractionCase]:
    """At most `n` of the cases whose image_id is in `ok`, drawn with `seed`, in their order.

    Each has its own lot, a hash of `seed` and its image_id: one image more changes the draw by one image at most.
    """
    lots = {case.image_id: fingerprint(_DRAW, seed, case.image_id) for case in cases if case.image_id in ok}
    chosen = sorted(lots, key=lots.__getitem__)[:n]
    return [case for case in cases if case.image_id in chosen]


def compared(case: ExtractionCase, *, recipe: Recipe, store: ContentStore) -> dict[str, Any]:
    """One ROI by both engines: image_id, `rows` of `engine_check.csv`, and the `reason` if PyRadiomics refuses
    what our engine (that of `recipe`) has extracted: there are no rows then.

    Our values are those of `extract_case`: what the stage writes is what is checked, from the store or not.
    """
    ours = extract_case(case, recipe=recipe, store=store)
    try:
        theirs = _by_pyradiomics(case, recipe=recipe, store=store)
    except ImageError as error:
        return {"image_id": case.image_id, "rows": [], "reason": str(error)}
    rows = []
    for name, *values in zip(recipe.names, ours["values"], theirs, strict=True):
        engine, expected = (math.nan if value is None else value for value in values)
        emptied = is_emptied(name, warnings=ours["warnings"])
        difference = 0.0 if emptied else relative_difference(name, ours=engine, theirs=expected)
        row = {"feature": name, "engine": engine, "pyradiomics": expected, "difference": difference}
        rows.append({"image_id": case.image_id} | row)
    return {"image_id": case.image_id, "rows": rows, "reason": None}


def _by_pyradiomics(case: ExtractionCase, *, recipe: Recipe, store: ContentStore) -> list[float | None]:
    """PyRadiomics' values in the order of `recipe.names` (None = not finite); raises ImageError if it refuses."""
    key = fingerprint("pyradiomics", recipe.key, file_sha256(case.image), file_sha256(case.mask))
    kept: list[float | None] | None = store.load(key)
    if kept is None:
        image, mask = (on_grid(read_image(path), grid=recipe.grid) for path in (case.image, case.mask))
        found, _ = pyradiomics.extracted(recipe.extractor, image=image, mask=mask)
        kept = [found[name] if math.isfinite(found[name]) else None for name in recipe.names]
        store.save(key, kept)
    return kept


def is_emptied(name: str, *, warnings: Sequence[str]) -> bool:
    """Whether our engine left a filtered image empty on purpose, and said so: a voxel of it has no finite value.

    PyRadiomics computes features of the voxels that are left.
    """
    return any(text.startswith(f"the {name.rsplit('_', 2)[0]} image has ") for text in warnings)


def relative_difference(name: str, *, ours: float, theirs: float) -> float:
    """The difference of a feature between the engines, relative to the larger value or its floor.

    0 if both are undefined, or ours is where PyRadiomics gives a constant of UNDEFINED; 1 if one alone is.
    """
    _, kind, feature = name.rsplit("_", 2)
    if not np.isfinite(ours):
        return 0.0 if not np.isfinite(theirs) or theirs == _CONSTANTS.get((kind, feature)) else 1.0
    if not np.isfinite(theirs):
        return 1.0
    return float(abs(ours - theirs) / max(abs(ours), abs(theirs), FLOORS.get(feature, FLOOR)))


def engine_check_table(done: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """`engine_check.csv` from what `compared` gives of each ROI."""
    flat = [row for one in done for row in one["rows"]]
    return pd.DataFrame(flat, columns=list(ENGINE_CHECK.names)) if flat else ENGINE_CHECK.empty()
