"""Draw the same number of voxels from every training patient, so that a large lesion does not decide the clusters."""

from collections.abc import Mapping

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from pipeline.foundation.errors import ImageError, PipelineError
from pipeline.foundation.fingerprints import fingerprint
from pipeline.foundation.images import array_of
from pipeline.habitat.lesions import Lesion, Patient, read_lesion
from pipeline.habitat.params import HabitatParams
from pipeline.habitat.voxel_features import voxel_features

Floats = NDArray[np.float64]


def lesion_voxels(image: sitk.Image, mask: NDArray[np.bool_], *, lesion: Lesion, params: HabitatParams) -> Floats:
    """The voxel features (n, p) of a lesion, read by `read_lesion`. Raises ImageError if it has no sub-regions."""
    spacing = image.GetSpacing()[::-1] if lesion.in_mm else (1.0,) * image.GetDimension()
    return voxel_features(array_of(image), mask=mask, spacing=spacing, params=params.voxels)


def drawn_voxels(patient: Patient, *, params: HabitatParams, seed: int) -> Floats | None:
    """`voxels_per_patient` voxels (v, p) of a patient's lesions together; None if no lesion has sub-regions.

    The draw depends on `seed` and the patient's id alone; a patient with fewer voxels gives some of them repeatedly.
    """
    found = []
    for lesion in patient.lesions:
        try:
            found.append(lesion_voxels(*read_lesion(lesion), lesion=lesion, params=params))
        except ImageError:
            continue  # its row of the status table holds the reason
    if not found:
        return None
    voxels = np.concatenate(found)
    count = params.voxels_per_patient
    random = np.random.default_rng(int(fingerprint("habitat voxels", seed, patient.patient_id)[:16], 16))
    return voxels[random.choice(len(voxels), size=count, replace=len(voxels) < count)]


def training_matrix(drawn: Mapping[str, Floats | None], *, rows: tuple[str, str]) -> tuple[Floats, list[str]]:
    """The voxels of the training patients one after another, and the patients that gave voxels, sorted; `drawn` by
    patient_id.

    Raises PipelineError if none did.
    """
    found = {patient: voxels for patient, voxels in sorted(drawn.items()) if voxels is not None}
    if not found:
        raise PipelineError(
            f"resample {rows[0]}, part {rows[1]}: no training patient has a lesion with sub-regions; see the reasons "
            "in data/rois.csv, or remove the block habitat from params/fusion.yaml"
        )
    return np.concatenate(list(found.values())), list(found)
