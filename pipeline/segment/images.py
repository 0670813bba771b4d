"""The pixels of the pictures that segmentation networks are trained on."""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.cohort.grey_image import grey_image
from pipeline.cohort.mask_files import MaskParams, decode_mask
from pipeline.cohort.source_image import read_source_image
from pipeline.foundation.errors import CohortError, ImageError, listed
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import array_of, read_image
from pipeline.segment.frames import Frame, frame_of, mask_slices
from pipeline.segment.params import FrameParams
from pipeline.segment.pictures import Picture
from pipeline.training.batches import Examples
from pipeline.training.mask_task import MaskTask
from pipeline.training.params import MaskLossParams

log = logging.getLogger(__name__)
COLOUR_TOLERANCE = 24  # grey levels: as the default of voxels.colour_tolerance


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What a picture gives to the training: planes uint8 (n, 3, S, S) of its slices (grey, lesion, gland), which masks
    it has, and the lesion's area as a fraction of each slice (n,); or the `fault` for which it gives nothing.
    `vanished`: how many of its slices show a lesion too small for the size of the network, and are not used.
    """

    picture: Picture
    planes: NDArray[np.uint8]
    area: NDArray[np.float32]
    vanished: int = 0
    fault: str | None = None


def learned(picture: Picture, *, params: FrameParams, decode: MaskParams) -> Learned:
    """Read a picture for the training; of a volume its slices with a mask, and some without, evenly spaced.

    A file that cannot be used is a fault, not an error, so that all are known at once.
    """
    size = params.image_size_px
    nothing = np.empty((0, 3, size, size), dtype=np.uint8)
    try:
        frame = frame_of(_grey(picture), params=params)
        masks = [_mask(path, picture, decode=decode) for path in (picture.lesion, picture.gland)]
        planes = [frame.slices, *(_plane(mask, frame, size_px=size) for mask in masks)]
    except ImageError as error:
        text = str(error).replace(f"{picture.image.parent}/", "")
        return Learned(picture=picture, planes=nothing, area=np.empty(0, dtype=np.float32), fault=text)
    stacked = np.stack(planes, axis=1)
    lesion = masks[0]
    whole = np.zeros(len(stacked)) if lesion is None else np.atleast_3d(lesion.T).T.mean(axis=(1, 2))
    # A slice whose lesion is lost between the pixels of the network would be learned as one without lesion.
    vanished = np.flatnonzero((whole > 0) & ~stacked[:, 1].any(axis=(1, 2)))
    kept = _slices(np.asarray(stacked[:, 1:].any(axis=(1, 2, 3))), empty=params.empty_slices)
    kept = np.setdiff1d(kept, vanished)
    return Learned(picture=picture, planes=stacked[kept], area=whole[kept].astype(np.float32), vanished=len(vanished))


def _grey(picture: Picture) -> sitk.Image:
    """The image: the cohort has written it in the common form; one of a gland alone is read and made grey here."""
    if picture.patient_id:
        return read_image(picture.image)
    return grey_image(read_source_image(picture.image), path=picture.image, colour_tolerance=COLOUR_TOLERANCE).stored


def _plane(mask: NDArray[np.bool_] | None, frame: Frame, *, size_px: int) -> NDArray[np.uint8]:
    return np.zeros_like(frame.slices) if mask is None else mask_slices(mask, frame, size_px=size_px)


def _mask(path: Path | None, picture: Picture, *, decode: MaskParams) -> NDArray[np.bool_] | None:
    if path is None:
        return None
    if picture.patient_id:  # the cohort has decoded it
        return np.asarray(array_of(read_image(path)) != 0)
    found = decode_mask(path, image_id=picture.image_id, params=decode)
    if found.mask is None:
        faults = "; ".join(finding.message for finding in found.findings)
        raise ImageError(faults.replace(f"image {picture.image_id}: ", "").replace("draw the lesion", "draw the gland"))
    mask = np.asarray(array_of(found.mask) != 0)
    if not mask.any():
        raise ImageError(f"the mask {path.name} marks no gland")
    return mask


def _slices(marked: NDArray[np.bool_], *, empty: float) -> NDArray[np.intp]:
    """The slices with a mask, and `empty` times as many of the others, evenly spaced."""
    with_mask, without = np.flatnonzero(marked), np.flatnonzero(~marked)
    count = min(len(without), round(empty * len(with_mask)))
    if not count:
        return with_mask
    spaced = without[np.linspace(0, len(without) - 1, count).round().astype(np.intp)]
    return np.union1d(with_mask, spaced)


@dataclass(frozen=True, kw_only=True)
class TrainingPictures:
    """All slices that networks may be trained on: planes (n, 3, S, S), their pictures, patients and groups (n,), which
    masks they have (n,), areas (n,).
    """

    planes: NDArray[np.uint8]
    pictures: tuple[Picture, ...]
    area: NDArray[np.float32]

    def sha256(self) -> str:
        """Hash of all their content."""
        ids = [(one.image_id, one.patient_id, one.group) for one in self.pictures]
        content = hashlib.sha256(self.planes.tobytes()).hexdigest(), hashlib.sha256(self.area.tobytes()).hexdigest()
        return fingerprint(ids, content, self.planes.shape)

    def rows(self, *, patients: frozenset[str], glands: frozenset[str]) -> NDArray[np.intp]:
        """The slices of these patients that have a mask, and those of these blocks of glands."""
        wanted = [one.patient_id in patients if one.patient_id else one.group in glands for one in self.pictures]
        return np.flatnonzero(np.array(wanted, dtype=np.bool_))

    def examples(self, rows: NDArray[np.intp]) -> Examples:
        """The slices of these rows; masks have no label."""
        pictures = [self.pictures[row] for row in rows]
        return Examples(
            pixels=self.planes[rows],
            labels=np.zeros(len(rows), dtype=np.float32),
            patients=tuple(one.patient_id or one.image_id for one in pictures),
            groups=tuple(one.group for one in pictures),
        )

    def task(self, rows: NDArray[np.intp], *, loss: MaskLossParams, glands: bool) -> MaskTask:
        """What is learned from these rows; without `glands` the gland of an image is ignored."""
        pictures = [self.pictures[row] for row in rows]
        return MaskTask(
            has_lesion=np.array([one.lesion is not None for one in pictures], dtype=np.bool_),
            has_gland=np.array([glands and one.gland is not None for one in pictures], dtype=np.bool_),
            area=self.area[rows],
            loss_params=loss,
        )


def training_pictures(found: Iterable[Learned]) -> TrainingPictures:
    """All pictures in one array; a lesion too small for the size of the network is logged.

    Raises CohortError with every picture that cannot be used, or if there is none.
    """
    kept = list(found)
    if not kept:
        raise CohortError(
            "no image has a given mask, and segmentation networks learn from given masks; give some in the source of "
            "params/cohort.yaml, or set mask_source to given and networks to [] in params/segment.yaml"
        )
    if faults := [f"{one.picture.image.name}: {one.fault}" for one in kept if one.fault is not None]:
        raise CohortError(listed(faults, heading=f"{len(faults)} images cannot be used for segmentation", limit=10))
    if small := [one.picture.image_id for one in kept if one.vanished]:
        log.warning(
            "images whose lesion is too small for input.image_size_px in params/segment.yaml: %d, first %s; no network "
            "is trained on the slices concerned",
            *(len(small), small[0]),
        )
    return TrainingPictures(
        planes=np.concatenate([one.planes for one in kept]),
        pictures=tuple(one.picture for one in kept for _ in one.planes),
        area=np.concatenate([one.area for one in kept]),
    )


def reader(params: FrameParams, decode: MaskParams) -> "partial[Learned]":
    """The function that reads one picture, for the workers."""
    return partial(learned, params=params, decode=decode)
