"""Clusterings of a study: no image of another patient is read or counts, in any order of the work."""

import numpy as np
from planted_habitats import PARAMS, SPREAD, planted_habitats

from pipeline.foundation.images import image_from, write_image
from pipeline.habitat.clusterings import clusterings_of
from pipeline.habitat.fits import fits_of

FAST = PARAMS.model_copy(update={"k": 2, "n_init": 1})


def clusters(study, fits, *, spread=SPREAD):
    return clusterings_of(fits, lesions=study.lesions(), params=FAST, seed=1, spread=spread)


def backwards(function, items, **_):
    """The results in the order of `items`, computed from the last to the first."""
    return iter([function(items[place]) for place in reversed(range(len(items)))][::-1])


def test_held_out_patients_change_no_byte_and_training_patients_do(tmp_path):
    study = planted_habitats(tmp_path, n=16, folds=2)
    fits = [fit for fit in fits_of(study.splits, parts=("all", "a", "b")) if fit.resample == "final"]
    before = clusters(study, fits)
    (half_b,) = [fit for fit in fits if fit.part == "a"]
    others = sorted(set(study.patients["patient_id"]) - half_b.trained)
    noise = np.random.default_rng(0).integers(0, 9, (64, 64)).astype(np.uint8)
    for name in others:
        write_image(image_from(noise), study.folder / f"{name}_image.nrrd")
    after = clusters(study, fits)

    assert [one.part for one, other in zip(before, after, strict=True) if one == other] == ["a"]
    for name in others:
        (study.folder / f"{name}_image.nrrd").unlink()
    assert clusters(study, [half_b]) == [one for one in before if one.part == "a"]


def test_the_order_of_the_work_changes_no_byte(tmp_path):
    study = planted_habitats(tmp_path, n=12, folds=2)
    fits = fits_of(study.splits, parts=("all",))

    assert clusters(study, fits) == clusters(study, fits, spread=backwards)
