"""Flags: in what a new patient differs from the patients that the model was trained and evaluated on.

`fit_references` learns from the training patients what `flags_of` needs. It keeps means, covariances, prototypes (means
of several patients), ranges, percentiles, and the values of categories; no row of a patient.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import pandas as pd

from pipeline.benchmark.design_matrices import Design
from pipeline.contracts.data.predict import FLAGS
from pipeline.contracts.data.split import FINAL
from pipeline.predict.distances import MEASURES, Clouds, distances_of, fit_clouds
from pipeline.predict.fact_limits import FactRanges, fit_facts
from pipeline.predict.flag_messages import (
    ALL_FEATURES,
    ORDER,
    Flag,
    clinical_flags,
    distance_flags,
    fact_flags,
    feature_flags,
    image_flags,
    spacing_flags,
    view_flags,
)
from pipeline.predict.image_facts import FACTS, KEYS
from pipeline.predict.known_values import OF_IMAGES, KnownValues, known_values
from pipeline.predict.limits import MIN_VALUES, Fitted
from pipeline.predict.outside_range import BlockRanges, fit_ranges, fractions_of
from pipeline.reduce.blocks import Block


class References(Fitted):
    """All that is learned from the training patients for the flags of one feature set."""

    clouds: Clouds
    blocks: BlockRanges
    facts: FactRanges
    known: KnownValues


def fit_references(
    designs: Sequence[Design],
    *,
    blocks: Sequence[Block],
    splits: pd.DataFrame,
    patients: pd.DataFrame,
    facts: pd.DataFrame | None,
    clinical: pd.DataFrame | None,
    seed: int,
) -> References:
    """The references of a feature set, from training patients alone.

    `designs`: of all resamples and parts (`design_matrices`); `blocks`: the set's blocks with their raw features;
    `facts`: of the images of all patients (`image_facts`), None for a set without images; `clinical`: the set's raw
    clinical columns, index patient_id, None for a set without them. `seed` places the prototypes.
    """
    training = splits.loc[(splits["resample"] == FINAL) & (splits["role"] == "train"), "patient_id"]
    images = _no_images() if facts is None else facts
    sites = patients.set_index("patient_id")["site"].loc[training]
    return References(
        clouds=fit_clouds(designs, seed=seed),
        blocks=fit_ranges(blocks, splits=splits, parts=sorted({design.part for design in designs})),
        facts=fit_facts(images, splits=splits),
        known=known_values(
            images[images["patient_id"].isin(training)],
            sites=dict(sites),
            clinical=None if clinical is None else clinical.loc[training],
        ),
    )


def _no_images() -> pd.DataFrame:
    return pd.DataFrame(columns=[*KEYS, *FACTS])


def flags_of(
    references: References,
    *,
    reduced: Mapping[str, pd.DataFrame],
    raw: Mapping[tuple[str, str], pd.DataFrame],
    facts: pd.DataFrame | None,
    clinical: pd.DataFrame | None,
    sites: Mapping[str, str | None] | None = None,
) -> list[Flag]:
    """The flags of all patients of `reduced`, sorted by patient, the severest first.

    `reduced`: by part, index patient_id, columns as the classifiers get them; `raw`: by block and part, as
    `Block.frame` gives them (clinical excluded); `facts`: of the patients' images; `clinical`: raw columns, index
    patient_id; `sites` by patient_id, None = those of `facts`. Raises PipelineError if a part, block or feature of the
    references is missing.
    """
    patients = sorted({str(patient) for frame in reduced.values() for patient in frame.index})
    images = _no_images() if facts is None else facts[facts["patient_id"].isin(patients)]
    about = images.set_index("patient_id")
    values = {name: about[name] for name in OF_IMAGES}
    if sites is not None:
        values["site"] = pd.Series({patient: sites.get(patient) for patient in patients}, dtype="object")
    columns = pd.DataFrame(index=patients) if clinical is None else clinical.loc[patients]
    found = [
        *_unchecked(references, patients=patients),
        *distance_flags(references.clouds, distances_of(references.clouds, reduced).reindex(patients)),
        *feature_flags(references.blocks, fractions_of(references.blocks, raw)),
        *fact_flags(references.facts, images),
        *spacing_flags(references.known, images),
        *image_flags(references.known, values),
        *view_flags(references.known, images, patients=patients),
        *clinical_flags(references.known, columns),
    ]
    known = [flag for flag in found if flag.patient_id in set(patients)]
    return sorted(known, key=lambda one: (one.patient_id, ORDER.index(one.severity), one.flag, one.about))


def _unchecked(references: References, *, patients: Sequence[str]) -> list[Flag]:
    """A note for each measure without limits: too few training patients were held out."""
    lacking = [(name, ALL_FEATURES) for name in MEASURES if name not in references.clouds.limits]
    blocks = sorted({ranges.block for ranges in references.blocks.ranges} - set(references.blocks.limits))
    lacking += [("features_outside", block) for block in blocks]
    if references.facts.limits is None and references.known.views.shares:
        lacking.append(("image_facts", "lesion size, grey levels, sharpness"))
    reason = f"it needs {MIN_VALUES} held-out training patients with a value to know what is usual"
    return [
        Flag(
            patient_id=patient,
            flag=f"{name}_unchecked",
            about=about,
            severity="note",
            value="",
            limit="",
            message=f"The check '{name}' ({about}) was not made: {reason}.",
        )
        for patient in patients
        for name, about in lacking
    ]


def flags_table(flags: Sequence[Flag]) -> pd.DataFrame:
    """The flags as a table under the contract FLAGS; without a flag it has no row."""
    return pd.DataFrame([asdict(flag) for flag in flags], columns=FLAGS.names)
