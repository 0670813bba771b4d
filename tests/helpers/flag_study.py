"""Drawn nodules of 120 patients for the flags: crops, radiomics, designs; and the same images spoilt in known ways."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pipeline.benchmark.design_matrices import Design
from pipeline.crop.rois import crop_roi
from pipeline.foundation.images import array_of, image_from
from pipeline.predict.flags import Flag, References, fit_references, flags_of
from pipeline.predict.image_facts import KEYS, facts_of
from pipeline.radiomics.recipe import Recipe, extract, own_recipe
from pipeline.reduce.blocks import Block
from pipeline.split.splits import SplitParams, split_table

SIDE_PX, N = 72, 120
SETTINGS = {
    "imageType": {"Original": {}, "LoG": {"sigma": [1.0, 2.0]}},
    "featureClass": {"firstorder": None, "shape2D": None},
    "setting": {"binCount": 16},
}
REDUCED = 6  # features in the reduced space
Drawing = tuple[NDArray[np.uint8], NDArray[np.uint8]]
Spoil = Callable[[NDArray[np.uint8], NDArray[np.uint8], np.random.Generator], Drawing]


def nodule(number: int) -> Drawing:
    """A dark ellipse in a brighter gland, under speckle, and its mask."""
    random = np.random.default_rng([5, number])
    y, x = np.indices((SIDE_PX, SIDE_PX)) - SIDE_PX / 2
    wide, high = random.uniform(9, 17), random.uniform(8, 14)
    mask = (x / wide) ** 2 + (y / high) ** 2 <= 1
    tissue = gaussian_filter(120 - random.uniform(25, 55) * mask, 1.0)
    speckle = gaussian_filter(random.normal(size=mask.shape), 1.0)
    grey = tissue + random.uniform(14, 22) * speckle / speckle.std() + random.normal(0, 5)
    return grey.clip(0, 255).astype(np.uint8), mask.astype(np.uint8)


def _shuffled(grey: NDArray[np.uint8], mask: NDArray[np.uint8], random: np.random.Generator) -> Drawing:
    return random.permutation(grey.ravel()).reshape(grey.shape), mask


def _larger(grey: NDArray[np.uint8], mask: NDArray[np.uint8], random: np.random.Generator) -> Drawing:
    return grey.repeat(2, axis=0).repeat(2, axis=1), mask.repeat(2, axis=0).repeat(2, axis=1)


def _organ(grey: NDArray[np.uint8], mask: NDArray[np.uint8], random: np.random.Generator) -> Drawing:
    """A bright, smooth organ in a black surrounding, as in computed tomography."""
    tissue = 10 + 170.0 * gaussian_filter(mask.astype(np.float64), 1.0) + random.normal(0, 2, size=mask.shape)
    return tissue.clip(0, 255).astype(np.uint8), mask


WRONG: dict[str, Spoil] = {
    "inverted grey": lambda grey, mask, _random: (255 - grey, mask),
    "shuffled voxels": _shuffled,
    "twice the scale": _larger,
    "half the scale": lambda grey, mask, _random: (grey[::2, ::2].copy(), mask[::2, ::2].copy()),
    "another organ": _organ,
}


def _as_drawn(grey: NDArray[np.uint8], mask: NDArray[np.uint8], _random: np.random.Generator) -> Drawing:
    return grey, mask


@cache
def _recipe() -> Recipe:
    return own_recipe(SETTINGS, expected_count=None, first=image_from(nodule(0)[0]), engine="fast", grid=None)


def measured(numbers: range, *, spoil: Spoil = _as_drawn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The raw features (index patient_id) and the facts of the drawings of these numbers, all from site A."""
    facts, values, random = [], {}, np.random.default_rng(9)
    unknown = (np.nan, np.nan, np.nan)
    for number in numbers:
        name = f"P{number:03d}"
        image, mask = (image_from(plane) for plane in spoil(*nodule(number), random))
        roi = crop_roi(image, mask, margin_px=8)
        about = dict(zip(KEYS, (name, name, "main", "A", "given", 2, "integer", *unknown), strict=True))
        facts.append(about | facts_of(roi.image, array_of(roi.mask) != 0, spacing_mm=unknown, place=name))
        values[name] = extract(_recipe(), image=roi.image, mask=roi.mask)[0]
    return pd.DataFrame.from_dict(values, orient="index").rename_axis("patient_id"), pd.DataFrame(facts)


@dataclass(frozen=True, kw_only=True)
class FlagStudy:
    """The drawn study: references, and all that they were fitted on."""

    references: References
    raw: pd.DataFrame
    facts: pd.DataFrame
    clinical: pd.DataFrame
    splits: pd.DataFrame
    held_out: list[str]

    def z_scores(self, raw: pd.DataFrame, *, resample: str = "final") -> pd.DataFrame:
        """The first features as z-scores of the training rows of a resample: the reduced space."""
        return _z_scores(raw, self.raw, self.splits, resample)

    def flags(self, raw: pd.DataFrame, facts: pd.DataFrame, clinical: pd.DataFrame | None = None) -> list[Flag]:
        """The flags of new patients with these features, facts and clinical values (None: usual ones)."""
        usual = pd.DataFrame({"age": 50.0, "sex": "F"}, index=raw.index)
        return flags_of(
            self.references,
            reduced={"all": self.z_scores(raw)},
            raw={("radiomics", "all"): raw},
            facts=facts,
            clinical=usual if clinical is None else clinical,
        )


def _z_scores(raw: pd.DataFrame, known: pd.DataFrame, splits: pd.DataFrame, resample: str) -> pd.DataFrame:
    rows = splits[(splits["resample"] == resample) & (splits["role"] == "train")]["patient_id"]
    names = [name for name in known.columns if "firstorder" in name][:REDUCED]
    train = known.loc[rows, names]
    return ((raw[names] - train.mean()) / train.std()).add_prefix("radiomics.")


def flag_study(raw: pd.DataFrame, facts: pd.DataFrame, *, spoilt: bool = False) -> FlagStudy:
    """The study of N patients: three folds, a quarter of the patients held out; `spoilt`: nonsense in their rows."""
    raw, facts = raw.copy(), facts.copy()
    ids = list(raw.index)
    label = np.arange(N) % 2
    patients = pd.DataFrame({"patient_id": ids, "group_id": ids, "label": label, "site": "A"})
    patients["cohort"] = np.where(np.arange(N) < N // 4, "internal", "train")
    held_out = ids[: N // 4]
    splits = split_table(patients, params=SplitParams(folds=3, repeats=1, holdout_fraction=0), seed=1)
    random = np.random.default_rng(2)
    clinical = pd.DataFrame(
        {"age": random.uniform(20, 80, N).round(), "sex": np.array(["F", "M"])[label]}, index=raw.index
    )
    if spoilt:
        raw.loc[held_out] = 1e6
        facts.loc[facts["patient_id"].isin(held_out), "sharpness"] = 1e6
        clinical.loc[held_out] = [500.0, "none"]
    designs = [_design(raw, splits, str(resample)) for resample in sorted(splits["resample"].unique())]
    block = Block(name="radiomics", kind="radiomics", indicators=(), frame=lambda _resample, _part: raw)
    references = fit_references(
        designs, blocks=[block], splits=splits, patients=patients, facts=facts, clinical=clinical, seed=3
    )
    return FlagStudy(references=references, raw=raw, facts=facts, clinical=clinical, splits=splits, held_out=held_out)


def _design(raw: pd.DataFrame, splits: pd.DataFrame, resample: str) -> Design:
    split = splits[splits["resample"] == resample].sort_values("patient_id")
    train, test = (split.loc[(split["role"] == "train") == kind, "patient_id"] for kind in (True, False))
    scores = _z_scores(raw, raw, splits, resample)
    return Design(
        resample=resample,
        part="all",
        features=tuple(str(name) for name in scores.columns),
        X=scores.loc[train].to_numpy(),
        y=np.zeros(len(train), dtype=np.int64),
        groups=train.to_numpy().astype(np.str_),
        X_test=scores.loc[test].to_numpy(),
        test_ids=tuple(test),
    )
