"""Repeat the masks of some training images, and measure the features of every repeat exactly as those of the first.

The repeats are a second reader's masks, or randomly perturbed contours (`pipeline.agreement.contour_perturbation`). How
well each feature agrees between them is computed in `pipeline.agreement.agreement`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.agreement.contour_perturbation import equivalent_radius, perturbed
from pipeline.agreement.measures import Measures, measured
from pipeline.contracts.data.agreement import RADIOMICS, REPEATS, Place
from pipeline.contracts.data.cohort import MASK_READER2
from pipeline.contracts.data.split import ALL, FINAL
from pipeline.crop.rois import CropCase, CropParams, crop_case, crop_cases, roi_table
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError, PipelineError
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.foundation.params import Params
from pipeline.plan.feature_sets import HABITAT, PERITUMORAL
from pipeline.plan.radiomics_use import RadiomicsUse
from pipeline.radiomics.features import ExtractionCase, extraction_cases, features_table
from pipeline.statistics.overlap import dice

FIRST = "0"  # the number of the first mask itself
_DRAW, _CONTOUR = range(2)  # random streams


class AgreementParams(Params):
    """`params/agreement.yaml`."""

    source: Literal["perturbation", "second_reader", "none"]
    images: int | None = Field(ge=2)
    repeats: int = Field(ge=1, le=50)
    amplitude: float = Field(gt=0, le=1)
    smoothness: float = Field(gt=0, le=10)


@dataclass(frozen=True, kw_only=True)
class RepeatCase:
    """One mask of one image: `crop` holds the image and its first mask; `other` is the second reader's mask, if any."""

    crop: CropCase
    repeat: str
    other: Path | None = None


def measured_blocks(use: RadiomicsUse, *, blocks: Sequence[str]) -> list[str]:
    """The blocks whose features are measured on repeated masks; `blocks` are those of params/fusion.yaml."""
    radiomics = [RADIOMICS] if use.used or use.predicted else []
    return radiomics + [block for block in (PERITUMORAL, HABITAT) if block in blocks]


def passed_over(params: AgreementParams, *, use: RadiomicsUse, blocks: Sequence[str]) -> str | None:
    """Why no mask is repeated in this study; None if masks are repeated. `blocks` as in `measured_blocks`."""
    if params.source == "none":
        return "source is none in params/agreement.yaml"
    if not measured_blocks(use, blocks=blocks):
        return "no set of params/fusion.yaml uses radiomics, habitats or rings"
    if params.source == "perturbation" and not use.outlines:
        return "every mask covers its whole image, so there is no contour to perturb"
    return None


def with_used_masks(cohort: pd.DataFrame, predictions: pd.DataFrame, *, folder: Path) -> pd.DataFrame:
    """`cohort.csv` with the masks that the study uses: where one is predicted, the path of that of resample `final` in
    `folder`, or none if it is empty. `predictions` as `data/segment/masks.csv`.
    """
    own = predictions[(predictions["resample"] == FINAL) & (predictions["used"] == 1)].set_index("image_id")
    paths = own["mask"].where(own["status"] == "ok").map(lambda name: str(folder / name), na_action="ignore")
    is_predicted = cohort["image_id"].isin(own.index)
    return cohort.assign(mask=cohort["mask"].mask(is_predicted, cohort["image_id"].map(paths)))


def drawn_images(
    cohort: pd.DataFrame, *, splits: pd.DataFrame, params: AgreementParams, seed: int
) -> tuple[pd.DataFrame, int]:
    """The rows of `cohort.csv` whose masks are repeated, and the number of training images excluded for lack of a mask.

    Only training patients of resample `final`; at most `params.images`, sampled with `seed`, one image of each patient
    before a second one of any. Raises PipelineError if fewer than two images have the masks.
    """
    training = splits.loc[(splits["resample"] == FINAL) & (splits["role"] == "train"), "patient_id"]
    rows = cohort[cohort["patient_id"].isin(training)].sort_values("image_id")
    second = params.source == "second_reader"
    needed = ["mask", MASK_READER2] if second else ["mask"]
    usable = rows[rows.reindex(columns=needed).notna().all(axis=1)]
    if len(usable) < 2:
        whose = "masks of a second reader (column mask2 of the manifest)" if second else "masks"
        raise PipelineError(
            f"params/agreement.yaml: source is {params.source}, and {len(usable)} training images have {whose}; "
            "at least 2 are needed: add some, or set source to none and agreement in params/reduce.yaml to null"
        )
    order = np.random.default_rng([seed, _DRAW]).permutation(len(usable))
    drawn = usable.iloc[order]
    drawn = drawn.iloc[np.argsort(drawn.groupby("patient_id").cumcount(), kind="stable")]
    return drawn.head(params.images or len(drawn)).sort_values("image_id"), len(rows) - len(usable)


def repeat_cases(cohort: pd.DataFrame, *, images: Path, masks: Path, params: AgreementParams) -> list[RepeatCase]:
    """The cases of sampled images, `repeat` 0 (the first mask) and 1 (the second reader) or 1 … `params.repeats`."""
    cases = []
    second = params.source == "second_reader"
    for crop, row in zip(crop_cases(cohort, images=images, masks=masks), cohort.to_dict("records"), strict=True):
        other = masks / str(row[MASK_READER2]) if second else None
        cases.append(RepeatCase(crop=crop, repeat=FIRST))
        cases += [RepeatCase(crop=crop, repeat=str(n + 1), other=other) for n in range(1 if second else params.repeats)]
    return cases


def examples(cases: Sequence[RepeatCase]) -> list[ExtractionCase]:
    """The full images as extraction cases, from which `radiomics.features.prepare` determines their form."""
    rows = [{"image_id": c.crop.row["image_id"], "image": c.crop.image, "mask": c.crop.mask} for c in cases]
    return extraction_cases(pd.DataFrame(rows).assign(status="ok", reason=None), folder=Path())


def repeat_costs(cases: Sequence[RepeatCase]) -> list[float]:
    """The relative time that the cases take, to start the longest first: the bytes of the mask's compressed file, which
    grow with the lesion and the frame.
    """
    files = [case.crop.mask for case in cases]
    return [float(file.stat().st_size if file is not None and file.is_file() else 0) + 1 for file in files]


def repeat_case(
    case: RepeatCase, *, params: AgreementParams, crop: CropParams, measures: Measures, store: ContentStore, seed: int
) -> dict[Place, dict[str, Any]]:
    """By block, resample and part, one row: image_id, repeat, status, reason, `values` in the order of
    `measures.columns`, Dice with the first mask.

    Cropped and measured by the functions of `crop`, `radiomics` and `habitat`, hence found in `store` by the content of
    the crop: the radiomics and rings of the first mask are those that these stages have stored. A mask that cannot be
    read or perturbed gives a row with `no_repeat` and the reason; other failures are those of the stages.
    """
    row: dict[str, Any] = {"image_id": case.crop.row["image_id"], "repeat": case.repeat, "dice": None, "values": None}
    places = measures.places(str(case.crop.row["patient_id"]))
    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            mask, row["dice"] = _mask(case, params=params, folder=folder, seed=seed)
        except ImageError as error:
            reason = str(error).replace(f"{case.crop.mask.parent}/", "") if case.crop.mask else str(error)
            return {place: row | {"status": "no_repeat", "reason": reason} for place in places}
        cropped = crop_case(CropCase(row=case.crop.row, image=case.crop.image, mask=mask), params=crop, rois=folder)
        found = measured(roi_table([cropped]), folder=folder, measures=measures, store=store)
    return {place: row | found[place] for place in places}


def _mask(case: RepeatCase, *, params: AgreementParams, folder: Path, seed: int) -> tuple[Path, float]:
    """The file of this repeat's mask, and its overlap with the first mask."""
    if case.crop.mask is None:
        raise ImageError("the cohort names no mask for this image")
    if case.repeat == FIRST:
        return case.crop.mask, 1.0
    first = read_image(case.crop.mask)
    marked = array_of(first)
    if case.other is not None:
        second = array_of(read_image(case.other))
        return case.other, dice(marked, second)
    # Seeded by the image's id, not its position: more or fewer images do not change the contours of the others.
    identity = int.from_bytes(hashlib.sha256(str(case.crop.row["image_id"]).encode()).digest()[:8])
    spacing = first.GetSpacing()[::-1]
    radius = equivalent_radius(marked, spacing=spacing)
    perturbed_mask = perturbed(
        marked,
        amplitude=params.amplitude * radius,
        smoothness=params.smoothness * radius,
        spacing=spacing,
        rng=np.random.default_rng([seed, _CONTOUR, identity, int(case.repeat)]),
    )
    path = folder / "mask.nrrd"
    write_image(image_from(perturbed_mask.astype(np.uint8), like=first), path)
    return path, dice(marked, perturbed_mask)


def repeats_tables(
    results: Sequence[Mapping[Place, dict[str, Any]]], *, columns: Mapping[str, Sequence[str]]
) -> dict[Place, pd.DataFrame]:
    """The table of every block, resample and part from the results of `repeat_case`; `columns` by block. That of the
    radiomics is always there, without rows if nothing was measured.
    """
    rows: dict[Place, list[dict[str, Any]]] = {(RADIOMICS, ALL, ALL): []}
    for result in results:
        for place, row in result.items():
            rows.setdefault(place, []).append(row)
    names = {place: columns.get(place[0], ()) for place in rows}
    return {place: repeats_table(own, names=names[place], block="/".join(place)) for place, own in sorted(rows.items())}


def repeats_table(rows: Sequence[dict[str, Any]], *, names: Sequence[str], block: str) -> pd.DataFrame:
    """One table of repeated masks; failed masks keep their row, with empty features.

    Without `rows`, the header alone. Raises PipelineError if there are masks and none gave features.
    """
    if not rows:
        return REPEATS.empty()
    table = features_table(rows, names=names, block=block)
    table.insert(1, "repeat", [row["repeat"] for row in rows])
    table.insert(4, "dice", np.array([row["dice"] for row in rows], dtype=np.float64))
    return table
