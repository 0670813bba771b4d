"""The same number of voxels from every training patient, drawn from all its lesions by the patient's id alone."""

from dataclasses import replace

import numpy as np
import pytest
from planted_habitats import PARAMS, planted_habitats

from pipeline.foundation.errors import PipelineError
from pipeline.foundation.images import image_from, write_image
from pipeline.habitat.lesions import Patient, patients_of, read_lesion
from pipeline.habitat.training_voxels import drawn_voxels, lesion_voxels, training_matrix


@pytest.fixture
def patients(tmp_path):
    return patients_of(planted_habitats(tmp_path, n=12, folds=2).lesions()["final"])


def test_every_patient_gives_as_many_however_large_the_lesion(patients):
    one, other = patients["p000"], patients["p001"]
    both = Patient(patient_id="p000", lesions=(*one.lesions, *other.lesions))
    few = PARAMS.model_copy(update={"voxels_per_patient": 10_000})

    assert drawn_voxels(one, params=PARAMS, seed=1).shape == drawn_voxels(both, params=PARAMS, seed=1).shape == (100, 8)
    repeated = drawn_voxels(one, params=few, seed=1)
    assert len(repeated) == 10_000
    assert len(np.unique(repeated, axis=0)) <= one.lesions[0].n_voxels


def test_the_draw_depends_on_seed_and_patient_and_repeats_no_voxel(patients):
    one = patients["p000"]
    first = drawn_voxels(one, params=PARAMS, seed=1)
    voxels = lesion_voxels(*read_lesion(one.lesions[0]), lesion=one.lesions[0], params=PARAMS)

    np.testing.assert_array_equal(first, drawn_voxels(one, params=PARAMS, seed=1))
    assert not np.array_equal(first, drawn_voxels(one, params=PARAMS, seed=2))
    assert not np.array_equal(first, drawn_voxels(replace(one, patient_id="p9"), params=PARAMS, seed=1))
    assert len(np.unique(first, axis=0)) == 100
    assert {tuple(row) for row in first} <= {tuple(row) for row in voxels}


def test_a_patient_whose_lesions_are_flat_gives_none(patients):
    flat = patients["p002"]
    write_image(image_from(np.full((64, 64), 9, dtype=np.uint8)), flat.lesions[0].image)

    assert drawn_voxels(flat, params=PARAMS, seed=1) is None
    voxels, used = training_matrix({"b": np.ones((2, 3)), "a": np.zeros((2, 3)), "c": None}, rows=("final", "all"))
    assert (voxels[:, 0].tolist(), used) == ([0, 0, 1, 1], ["a", "b"])
    with pytest.raises(PipelineError, match="resample final, part all: no training patient has a lesion"):
        training_matrix({"c": None}, rows=("final", "all"))
