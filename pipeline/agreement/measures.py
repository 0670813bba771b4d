"""What is measured on a repeated mask: the radiomics, the rings and the habitats of its crop.

Each by the function of the stage that makes the block, with the same recipe. Habitats are those of every clustering
that was fitted on the patient, since `reduce` judges a feature of a resample and part on its training patients alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.contracts.data.agreement import Place
from pipeline.contracts.data.habitat import Clustering
from pipeline.contracts.data.split import ALL
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import PipelineError
from pipeline.habitat.fits import fits_of
from pipeline.habitat.habitats import LabelCase, habitat_names, labelled
from pipeline.habitat.lesions import Lesion, lesions_of
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.peritumoral import peritumoral_names, ringed
from pipeline.habitat.region import code_key, habitat_recipe, ring_recipe
from pipeline.plan.feature_sets import HABITAT, PERITUMORAL, RADIOMICS
from pipeline.radiomics.features import ExtractionCase, RadiomicsParams, extract_case, extraction_cases, prepare
from pipeline.radiomics.recipe import Recipe

Rows = tuple[str, str]  # resample and part
Measured = dict[Place, dict[str, Any]]  # status, reason, values and whether stored, by block, resample and part


@dataclass(frozen=True, kw_only=True)
class Rings:
    """The recipe of the rings, its features, and the columns of the block."""

    recipe: Recipe
    features: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Habitats:
    """The recipe of a habitat (None = no radiomics), the clusterings, who was clustered, the columns of the block."""

    recipe: Recipe | None
    clusterings: Mapping[Rows, Clustering]
    trained: Mapping[Rows, frozenset[str]]
    columns: tuple[str, ...]

    def of(self, patient_id: str) -> tuple[Rows, ...]:
        """The clusterings that were fitted on the patient."""
        return tuple(rows for rows in self.clusterings if patient_id in self.trained[rows])


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What is measured; None for a block that no set uses. `code` is the key of the code of habitats and rings."""

    radiomics: Recipe | None
    rings: Rings | None
    habitats: Habitats | None
    params: HabitatParams
    code: str

    @cached_property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The features of each block that is measured."""
        found = {} if self.radiomics is None else {RADIOMICS: tuple(self.radiomics.names)}
        found |= {} if self.rings is None else {PERITUMORAL: self.rings.columns}
        return found | ({} if self.habitats is None else {HABITAT: self.habitats.columns})

    def places(self, patient_id: str) -> list[Place]:
        """The tables in which a mask of the patient has a row."""
        whole = [(block, ALL, ALL) for block in (RADIOMICS, PERITUMORAL) if block in self.columns]
        return whole + [(HABITAT, *rows) for rows in (self.habitats.of(patient_id) if self.habitats else ())]


def measures_of(
    blocks: Sequence[str],
    *,
    radiomics: RadiomicsParams,
    habitat: HabitatParams,
    clusterings: Mapping[Rows, Clustering],
    splits: pd.DataFrame,
    cases: Sequence[ExtractionCase],
) -> Measures:
    """The measures of `blocks` (of radiomics, peritumoral, habitat); `cases` show the form of the images.

    Raises PipelineError as `radiomics.features.prepare`, or if the clusterings are not those of the splits; ParamsError
    as `habitat.region.habitat_recipe`.
    """
    rings = habitats = None
    if PERITUMORAL in blocks:
        recipe, names = ring_recipe(radiomics, cases=cases)
        rings = Rings(recipe=recipe, features=names, columns=tuple(peritumoral_names(habitat, names=names)))
    if HABITAT in blocks:
        of_habitat = habitat_recipe(habitat, radiomics=radiomics, cases=cases)
        habitats = Habitats(
            recipe=of_habitat,
            clusterings=clusterings,
            trained=_trained(clusterings, splits=splits),
            columns=tuple(habitat_names(max(habitat.candidates), recipe=of_habitat)),
        )
    of_lesion = None
    if RADIOMICS in blocks:
        of_lesion = prepare(radiomics, cases=cases) if rings is None else rings.recipe  # the study's own for both
    return Measures(radiomics=of_lesion, rings=rings, habitats=habitats, params=habitat, code=code_key())


def _trained(clusterings: Mapping[Rows, Clustering], *, splits: pd.DataFrame) -> dict[Rows, frozenset[str]]:
    """The patients that each clustering is fitted on. Raises PipelineError if they are not those of the splits."""
    parts = tuple(sorted({part for _, part in clusterings}))
    found = {fit.rows: fit.trained for fit in fits_of(splits, parts=parts)}
    if not found or set(found) != set(clusterings):
        odd = ", ".join("/".join(rows) for rows in sorted(set(found) ^ set(clusterings))[:3]) or "none is there"
        raise PipelineError(
            f"data/habitat/clusters does not hold the clusters of every resample of data/splits.csv ({odd}); run "
            "habitat again"
        )
    return found


def measured(roi: pd.DataFrame, *, folder: Path, measures: Measures, store: ContentStore) -> Measured:
    """The result of each measure on one crop; `roi` is its row of `rois.csv`, as a table, its files lie in `folder`.

    A crop that failed has its status in every table. A fault of the machine stops the stage, as in `extract_case`.
    """
    (lesion,) = lesions_of(roi, folder=folder)
    found: Measured = {}
    if measures.radiomics is not None:
        (case,) = extraction_cases(roi, folder=folder)
        found[RADIOMICS, ALL, ALL] = extract_case(case, recipe=measures.radiomics, store=store)
    if (rings := measures.rings) is not None:
        found[PERITUMORAL, ALL, ALL] = ringed(
            lesion,
            recipe=rings.recipe,
            names=rings.features,
            params=measures.params,
            store=store,
            code=measures.code,
        )
    return found | _habitats(lesion, measures=measures, store=store)


def _habitats(lesion: Lesion, *, measures: Measures, store: ContentStore) -> Measured:
    habitats = measures.habitats
    rows = habitats.of(lesion.patient_id) if habitats else ()
    if habitats is None or not rows:
        return {}
    done = labelled(
        LabelCase(lesion=lesion, rows=rows, shown=None),
        clusterings=habitats.clusterings,
        recipe=habitats.recipe,
        params=measures.params,
        store=store,
        folder=Path(),
        code=measures.code,
    )
    about = {name: done[name] for name in ("status", "reason")}
    return {(HABITAT, *one): about | {"values": done["values"].get(one)} for one in rows}
