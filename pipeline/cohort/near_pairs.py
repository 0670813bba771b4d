"""Search for pairs of near-identical pictures among all images: candidates by blocks, then registration of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from pipeline.cohort.near_registration import WHOLE, WINDOWS, Window, descriptors, fit
from pipeline.cohort.near_signature import Signature
from pipeline.foundation.parallel import map_cases

# Measured on 341 frames of DDTI and 377 of the demo with 25 changes, single or in pairs, planted in each: copies have a
# correlation of at least 0.82 and a distance of at most 0.22. Frames of different patients, if not one picture,
# have a distance of at least 0.35; neighbouring frames of one sweep may lie between.
MIN_CORRELATION = 0.77  # of descriptors: below it no registration is tried
MAX_DISTANCE = 0.25  # after registration: a pair within it is the same picture
ROWS = 1000  # signatures per block: memory grows with the number of images, not with its square
PER_CASE = 50  # candidates per case of the parallel map


@dataclass(frozen=True, kw_only=True)
class SignedImage:
    """One image in the search: its patient, the hash of its voxels, its signature."""

    image_id: str
    patient_id: str
    pixels: str
    signature: Signature


@dataclass(frozen=True, kw_only=True)
class NearPair:
    """Two images of different patients that show the same picture; distance 0 = identical voxels."""

    one: SignedImage
    other: SignedImage
    distance: float
    mirrored: bool

    @property
    def patients(self) -> tuple[str, str]:
        """The two patients, in the order of the images."""
        return self.one.patient_id, self.other.patient_id

    @property
    def identical(self) -> bool:
        """Whether the two images have identical voxels."""
        return self.one.pixels == self.other.pixels


def near_pairs(
    images: Sequence[SignedImage], *, workers: int | None = 1, scheduler: str | None = None
) -> list[NearPair]:
    """All pairs of near-identical pictures of different patients, by the ids of their images.

    Whether two images are a pair depends on these two alone. 2-D images are compared with 2-D images, volumes with
    volumes. `workers` and `scheduler` as in `map_cases`; the result does not depend on them.
    """
    found: list[NearPair] = []
    for slices in sorted({len(image.signature) for image in images}):
        own = [image for image in images if len(image.signature) == slices]
        own = sorted(own, key=lambda image: image.image_id)
        found += _among(own, workers=workers, scheduler=scheduler)
    return sorted(found, key=lambda pair: (pair.one.image_id, pair.other.image_id))


def _among(images: Sequence[SignedImage], *, workers: int | None, scheduler: str | None) -> list[NearPair]:
    """The pairs among images of one number of slices, in order of image_id."""
    stack = np.stack([image.signature for image in images])
    owners = np.unique([image.patient_id for image in images], return_inverse=True)[1]
    in_window = partial(candidates, signatures=stack, owners=owners)
    mapped = map_cases(in_window, WINDOWS, workers=workers, scheduler=scheduler)
    rows = sorted({(int(i), int(j)) for pairs in mapped for i, j in pairs} | _identical(images))
    chunks = [rows[first : first + PER_CASE] for first in range(0, len(rows), PER_CASE)]
    cases = [[(images[i], images[j]) for i, j in chunk] for chunk in chunks]
    return [pair for near in map_cases(compared, cases, workers=workers, scheduler=scheduler) for pair in near]


def candidates(window: Window, *, signatures: Signature, owners: NDArray[np.intp]) -> NDArray[np.intp]:
    """Pairs (i < j), shape (n, 2), such that one image inside `window` resembles the other, as it is or mirrored.

    `signatures` is (images, slices, 64, 64), `owners` the patient of each image as a number; pairs within a patient are
    not candidates.
    """
    # A mirrored picture has the same even part about the vertical axis, and the opposite odd part.
    even, odd = _halves(descriptors(signatures, window=WHOLE))
    cut_even, cut_odd = _halves(descriptors(signatures, window=window))
    found = [np.empty((0, 2), dtype=np.intp)]
    for first in range(0, len(owners), ROWS):
        block = slice(first, first + ROWS)
        score = np.abs(cut_odd[block] @ odd.T)
        score += cut_even[block] @ even.T
        pairs = np.argwhere(score > MIN_CORRELATION)
        pairs[:, 0] += first
        found.append(np.sort(pairs[owners[pairs[:, 0]] != owners[pairs[:, 1]]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _halves(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The even and the odd part of each descriptor about the vertical axis, as rows; together they keep its length."""
    half = vectors.shape[-1] // 2
    left, right = vectors[..., :half], vectors[..., : half - 1 : -1]
    scale = np.float32(np.sqrt(0.5))
    return ((left + right) * scale).reshape(len(vectors), -1), ((left - right) * scale).reshape(len(vectors), -1)


def _identical(images: Sequence[SignedImage]) -> set[tuple[int, int]]:
    """Pairs (i < j) of images of different patients with identical voxels."""
    by_pixels: dict[str, list[int]] = {}
    for row, image in enumerate(images):
        by_pixels.setdefault(image.pixels, []).append(row)
    same = (rows for rows in by_pixels.values() if len(rows) > 1)
    return {
        (i, j)
        for rows in same
        for at, i in enumerate(rows)
        for j in rows[at + 1 :]
        if images[i].patient_id != images[j].patient_id
    }


def compared(pairs: Sequence[tuple[SignedImage, SignedImage]]) -> list[NearPair]:
    """Those of `pairs` that show the same picture after registration."""
    found = []
    for one, other in pairs:
        if one.pixels == other.pixels:
            found.append(NearPair(one=one, other=other, distance=0.0, mirrored=False))
            continue
        own = fit(one.signature, other.signature)
        if own.distance <= MAX_DISTANCE:
            found.append(NearPair(one=one, other=other, distance=own.distance, mirrored=own.mirrored))
    return found
