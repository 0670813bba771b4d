"""Negative control: the shape of the outline alone, no grey value, and the primary set without shape beside it."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from pipeline.plan.feature_sets import RADIOMICS
from pipeline.plan.radiomics_use import has_outlines, is_shape
from pipeline.reduce.blocks import Block
from pipeline.selftest.controls import CHANCE, Scored, Trial, trial
from pipeline.selftest.inputs import Inputs
from pipeline.selftest.lights import Check

STRONG = 0.7
OUTLINE, PRIMARY, WITHOUT_SHAPE = "outline", "primary", "primary_without_shape"
TITLE = "The outline alone is not found to predict the outcome well"
RULE = (
    "Amber if the interval (Nadeau-Bengio) of the cross-validated AUC of shape features alone (the value) lies above "
    "0.7, or lies above one half and reaches the AUC of the primary model in the same folds (the limit; 0.7 without a "
    "primary model)."
)
NO_OUTLINE = (
    "There is no outline: the radiomics have no shape features, the masks fill their images, or too few patients."
)


def shape_block(block: Block) -> Block | None:
    """The shape features of a radiomics block, without its missingness indicators; None if it has none."""
    if not any(is_shape(str(name)) for name in block.frame("", "")):
        return None
    return dataclasses.replace(
        block, name=OUTLINE, indicators=(), frame=lambda *case: _columns(block, case, shape=True)
    )


def without_shape(block: Block) -> Block:
    """A radiomics block without its shape features, under another name."""
    name = f"{block.name}_{WITHOUT_SHAPE}"
    return dataclasses.replace(block, name=name, frame=lambda *case: _columns(block, case, shape=False))


def _columns(block: Block, case: tuple[str, ...], *, shape: bool) -> pd.DataFrame:
    frame = block.frame(*case)
    return frame[[name for name in frame if is_shape(str(name)) == shape]]


def outline_trials(inputs: Inputs) -> list[Trial]:
    """The trials of the outline alone, and of the primary set with and without shape; fewer if there is no outline."""
    usable = inputs.rois[(inputs.rois["status"] == "ok") & inputs.rois["patient_id"].isin(inputs.training.index)]
    outline = shape_block(inputs.outlines) if inputs.outlines is not None and has_outlines(usable) else None
    if outline is None:
        return []
    known = sorted(usable["patient_id"].unique())
    alone = trial([outline], inputs=inputs, sets={OUTLINE: (OUTLINE,)}, known=known, n_images=len(usable))
    return [one for one in (alone, _primary_trial(inputs, n_images=len(usable))) if one is not None]


def _primary_trial(inputs: Inputs, *, n_images: int) -> Trial | None:
    """The primary set as in the benchmark, and without shape; None if it has no radiomics."""
    primary = inputs.primary
    names = [] if primary is None else [block.name for block in primary.blocks]
    if primary is None or RADIOMICS not in names:
        return None
    bare = without_shape(primary.blocks[names.index(RADIOMICS)])
    # The other blocks are reduced once, for both.
    sets = {PRIMARY: tuple(names), WITHOUT_SHAPE: tuple(bare.name if name == RADIOMICS else name for name in names)}
    known = sorted(inputs.training.index)
    blocks, parts, repeats = [*primary.blocks, bare], primary.parts, inputs.tables.repeats
    return trial(blocks, inputs=inputs, sets=sets, known=known, n_images=n_images, parts=parts, repeats=repeats)


def primary_auc(chosen: pd.DataFrame) -> float | None:
    """The cross-validated AUC of the primary model, mean over folds; None if none is named."""
    found = chosen.loc[chosen["role"] == "primary", "mean_auc"].dropna()
    return float(found.iloc[0]) if len(found) else None


def outline_check(scored: Sequence[Scored], *, primary: float | None) -> Check:
    """The light; `primary` from `primary_auc`."""
    alone = next((one for one in scored if one.control == OUTLINE and one.known), None)
    if alone is None:
        return Check(check="shape_alone", light="grey", title=TITLE, rule=RULE, finding=NO_OUTLINE)
    reaches = primary is not None and alone.lower > CHANCE and alone.upper >= primary
    telling = alone.lower > STRONG or reaches
    return Check(
        check="shape_alone",
        light="amber" if telling else "green",
        title=TITLE,
        rule=RULE,
        finding="The outline alone predicts the outcome; was it drawn by someone who knew the outcome?"
        if telling
        else "The outline alone predicts the outcome weakly or not at all.",
        value=alone.auc,
        limit=STRONG if primary is None else primary,
    )
