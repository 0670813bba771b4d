"""Audit of masks that fit another image better than their own: two masks swapped, or the masks out of order."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.cohort.findings import Finding, some_of, warning
from pipeline.cohort.image_summary import MaskFit

MIN_IMAGES = 12  # of one size: with fewer, nobody knows how well a foreign mask fits by chance
MIN_MIXED = 30  # images in all, for the finding about the order of the masks
MAX_REFERENCES = 500  # masks from which the fit by chance is learned
FITS = 1.0  # standard deviations above the fit by chance: a mask that fits
MIN_FITTING = 0.8  # fraction of the masks that must fit; in a cohort with looser masks a swap cannot be told
FALSE_PAIRS = 0.05  # pairs that would be reported by chance
MIN_CROSS, MIN_GAIN = 1.5, 0.75  # standard deviations: fit to the other image, and by how much it exceeds the own fit
MIXED = 0.5  # standard deviations: mean fit below which masks may be out of order


@dataclass(frozen=True, kw_only=True)
class _SameSize:
    """Images of one size. Fits are in standard deviations above the mean fit of all masks to that image."""

    names: list[str]
    images: NDArray[np.float32]  # (n, cells)
    masks: NDArray[np.float32]  # (n, cells)
    sign: float  # +1 if most lesions are brighter than their surroundings, -1 if darker
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]

    def own(self) -> NDArray[np.float64]:
        """The fit of each mask to its own image (n,)."""
        fits = (self.images * self.masks).sum(axis=1, dtype=np.float64) * self.sign
        return np.asarray((fits - self.mean) / self.deviation)

    def crossed(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Of each two images among `rows`, the smaller of the fits of either mask to the other image."""
        fits = (self.images[rows] @ self.masks[rows].T).astype(np.float64) * self.sign
        fits = (fits - self.mean[rows, None]) / self.deviation[rows, None]
        return np.minimum(fits, fits.T)


def fit_findings(fits: Mapping[str, MaskFit]) -> list[Finding]:
    """Warnings about masks that were swapped or are out of order; `fits` by image_id.

    The fit of a mask to an image is the contrast across its contour, compared with that of all masks of the images of
    the same size. Two masks are reported if neither fits its own image, and each fits the other image so well that
    at most FALSE_PAIRS pairs of all pairs of misfits would by chance. This is asked only if at least MIN_FITTING of the
    masks of this size fit. The masks of the cohort are reported as a whole if their mean fit is below MIXED.
    """
    groups = _groups(fits)
    own = [group.own() for group in groups]
    found = []
    everyone = np.concatenate(own) if own else np.empty(0)
    if len(everyone) >= MIN_MIXED and everyone.mean() < MIXED:
        message = f"the masks of {len(everyone)} images fit their own images no better than those of other images "
        message += "(contrast across the contour); check that no row of the masks is shifted against the images"
        found.append(warning("masks", scope="cohort", check="masks_out_of_order", message=message))
    pairs = [pair for group, fit in zip(groups, own, strict=True) for pair in _swapped(group, fit)]
    if pairs:
        message = "the masks of two images fit the other image better than their own: "
        message += f"{some_of([f'images {one} and {other}' for one, other in sorted(pairs)])}; "
        message += "look at them, and exchange the masks if they were swapped"
        found.append(warning("masks", scope="cohort", check="masks_swapped", message=message))
    return found


def _groups(fits: Mapping[str, MaskFit]) -> list[_SameSize]:
    by_size: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for name in sorted(fits):
        by_size[fits[name].size].append(name)
    groups = [_group(names, fits) for _, names in sorted(by_size.items()) if len(names) >= MIN_IMAGES]
    return [group for group in groups if group is not None]


def _group(names: Sequence[str], fits: Mapping[str, MaskFit]) -> _SameSize | None:
    """None if the masks are too alike to be told apart, as one mask for all images is."""
    images = np.stack([fits[name].image for name in names]).astype(np.float32)
    masks = np.stack([fits[name].mask for name in names]).astype(np.float32)
    own = np.median((images * masks).sum(axis=1))
    sign = 1.0 if own >= 0 else -1.0
    references = masks[np.linspace(0, len(masks) - 1, min(len(masks), MAX_REFERENCES)).astype(np.int64)]
    chance = (images @ references.T).astype(np.float64) * sign
    deviation = chance.std(axis=1)
    if deviation.min() < 1e-6:
        return None
    return _SameSize(
        names=list(names), images=images, masks=masks, sign=sign, mean=chance.mean(axis=1), deviation=deviation
    )


def _swapped(group: _SameSize, own: NDArray[np.float64]) -> list[tuple[str, str]]:
    misfits = np.flatnonzero(own < FITS)
    if len(misfits) < 2 or len(misfits) > (1 - MIN_FITTING) * len(own):
        return []
    crossed = group.crossed(misfits)
    first, second = np.triu_indices(len(misfits), 1)
    by_chance = float(norm.isf(np.sqrt(FALSE_PAIRS / len(first))))  # of two independent fits
    fit = crossed[first, second]
    gain = fit - np.maximum(own[misfits[first]], own[misfits[second]])
    clear = np.flatnonzero((fit >= max(MIN_CROSS, by_chance)) & (gain >= MIN_GAIN))
    taken: set[int] = set()
    pairs = []
    for place in clear[np.argsort(-fit[clear], kind="stable")]:
        one, other = int(misfits[first[place]]), int(misfits[second[place]])
        if not {one, other} & taken:
            taken |= {one, other}
            pairs.append((group.names[one], group.names[other]))
    return pairs
