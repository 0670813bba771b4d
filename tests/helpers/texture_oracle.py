"""PyRadiomics' feature classes called on arrays, and small ROIs of awkward shapes to compare on."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import SimpleITK as sitk
from radiomics import firstorder, glcm, gldm, glrlm, glszm, ngtdm

from pipeline.radiomics.engine.undefined import UNDEFINED

CLASSES = {
    "firstorder": firstorder.RadiomicsFirstOrder,
    "glcm": glcm.RadiomicsGLCM,
    "gldm": gldm.RadiomicsGLDM,
    "glrlm": glrlm.RadiomicsGLRLM,
    "glszm": glszm.RadiomicsGLSZM,
    "ngtdm": ngtdm.RadiomicsNGTDM,
}
CONSTANTS = {(row.feature_class, row.feature): row.pyradiomics for row in UNDEFINED}


def by_pyradiomics(feature_class: str, image: np.ndarray, mask: np.ndarray, **settings: Any) -> dict[str, float]:
    """The features of one class, as PyRadiomics orders and computes them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it takes means of nothing where a direction is empty
        made = CLASSES[feature_class](
            sitk.GetImageFromArray(image), sitk.GetImageFromArray(mask.astype(np.uint8)), **settings
        )
        return {name: float(value) for name, value in made.execute().items()}


def differing(feature_class: str, ours: dict[str, float], theirs: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Features that differ by more than 1e-9, relative; NaN equals NaN and PyRadiomics' constant of the UNDEFINED.

    Features that are 0 but for rounding in both are equal: signed sums that cancel, and the roots of such zeros.
    """
    assert list(ours) == list(theirs)
    wrong = {}
    for name, expected in theirs.items():
        found = ours[name]
        if np.isnan(found):
            same = np.isnan(expected) or CONSTANTS.get((feature_class, name)) == expected
        else:
            same = abs(found - expected) <= max(1e-9 * abs(expected), 1e-12)
        if not same:
            wrong[name] = (found, expected)
    return wrong


def awkward_rois(n_dimensions: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Name, levels image (int32, 0 outside) and mask of ROIs at the edge of what the definitions allow."""
    draw = np.random.default_rng(n_dimensions)
    shape = (7, 9) if n_dimensions == 2 else (5, 6, 7)
    whole = np.ones(shape, dtype=bool)
    line = np.zeros(shape, dtype=bool)
    line[(1,) * (n_dimensions - 1)] = True
    slab = np.zeros(shape, dtype=bool)
    slab[2] = True
    parts = np.zeros(shape, dtype=bool)
    parts[..., :2] = parts[..., -2:] = True
    checked = np.indices(shape).sum(axis=0) % 3 == 0
    hollow = whole.copy()
    hollow[(slice(2, -2),) * n_dimensions] = False
    single = np.zeros(shape, dtype=bool)
    single[(2,) * n_dimensions] = True
    masks = {"whole": whole, "one wide": line, "one slice": slab, "disconnected": parts, "sparse": checked}
    masks |= {"hollow": hollow, "one voxel": single, "scattered": draw.random(shape) < 0.15}
    for name, mask in masks.items():
        for n_levels in (1, 2, 12):
            levels = draw.integers(1, n_levels + 1, shape).astype(np.int32) ** 2  # not all levels occur
            levels[tuple(np.argwhere(mask)[0])] = 1
            yield f"{name}, {n_levels} levels", np.where(mask, levels, 0).astype(np.int32), mask
