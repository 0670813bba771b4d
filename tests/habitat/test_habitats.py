"""The block habitat of one lesion: fractions known beforehand, columns, gaps, and when it is computed anew."""

from dataclasses import replace

import numpy as np
import pytest
from planted_habitats import PARAMS, SMALL

from pipeline.contracts.data.habitat import Clustering
from pipeline.foundation.content_store import ContentStore
from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from, read_image, write_image
from pipeline.habitat.fits import Fit
from pipeline.habitat.habitats import LabelCase, habitat_names, label_cases, labelled
from pipeline.habitat.lesions import Lesion
from pipeline.habitat.region import examples, habitat_recipe
from pipeline.habitat.voxel_features import voxel_feature_names
from pipeline.radiomics.features import RadiomicsParams

ROWS = ("final", "all")
FEATURES = voxel_feature_names(PARAMS.voxels)
AUTO = PARAMS.model_copy(update={"k": "auto", "min_voxels": 20})


def by_grey(*greys):
    """Clusters that differ in grey value alone."""
    centres = tuple((grey, *[0.0] * (len(FEATURES) - 1)) for grey in greys)
    scale = {"means": (0.0,) * len(FEATURES), "sds": (1.0, *[1e9] * (len(FEATURES) - 1))}
    found = {"method": "kmeans", "k": len(greys), "covariances": None, "weights": None, "score": None, "scores": {}}
    about = {"n_voxels": 1, "n_patients": 1, "trained_ids_sha256": ""}
    return Clustering(resample="final", part="all", features=FEATURES, centres=centres, **scale, **found, **about)


def two_levels(folder, *, shape=(32, 32)):
    """A disc (ball) of radius 10 in columns of two grey levels; of its 21 rows, the upper 10 are bright."""
    index = np.indices(shape) - np.array(shape).reshape(-1, *[1] * len(shape)) // 2
    mask = (index**2).sum(axis=0) <= 100
    image = (np.where(index[-2] < 0, 200, 100) + index[-1] % 2).astype(np.uint8)
    for name, array in (("image", image), ("mask", mask.astype(np.uint8))):
        write_image(image_from(array), folder / f"{name}.nrrd")
    about = {"image_id": "i", "patient_id": "p", "status": "ok", "reason": None, "spacing_mm": ()}
    files = {"image": folder / "image.nrrd", "mask": folder / "mask.nrrd"}
    return Lesion(**about, **files, n_voxels=int(mask.sum())), mask, image


def described(lesion, folder, *, clusters=None, **changes):
    given = {"clusterings": {ROWS: clusters or by_grey(-1.0, 1.0)}, "params": AUTO, "code": "", "folder": folder}
    params = given["params"].model_copy(update={"radiomics": SMALL})
    recipe = habitat_recipe(params, radiomics=RadiomicsParams(settings=SMALL), cases=examples([lesion]))
    given |= {"recipe": recipe, "store": ContentStore(folder / "store", limit_bytes=10**9)} | changes
    row = labelled(LabelCase(lesion=lesion, rows=(ROWS,), shown=ROWS), **given)
    return dict(zip(habitat_names(6, recipe=given["recipe"]), row["values"][ROWS], strict=True)), row


@pytest.mark.parametrize("shape", [(32, 32), (1, 32, 32), (24, 32, 32)])
def test_a_disc_of_two_grey_levels_has_its_fractions(shape, tmp_path):
    lesion, mask, image = two_levels(tmp_path, shape=shape)
    found, _ = described(lesion, tmp_path)
    dark = (image[mask] < 150).mean()

    assert found["habitat_1_fraction"] == dark
    assert found["habitat_2_fraction"] == pytest.approx(1 - dark)
    assert (found["habitat_1_components"], found["habitat_2_components"]) == (1, 1)
    assert found["habitat_1_original_firstorder_Mean"] == pytest.approx(image[mask & (image < 150)].mean())
    assert (found["habitat_1_absent"], found["habitat_2_absent"]) == (0, 0)
    labels = array_of(read_image(tmp_path / "i.nrrd"))
    np.testing.assert_array_equal(labels, np.where(mask, np.where(image < 150, 1, 2), 0))


def test_habitats_that_do_not_exist_are_empty_and_small_ones_are_absent(tmp_path):
    lesion, _, _ = two_levels(tmp_path)
    found, row = described(lesion, tmp_path, clusters=by_grey(-9.0, -1.0, 1.0))

    assert (found["habitat_1_fraction"], found["habitat_1_components"], found["habitat_1_absent"]) == (0, 0, 1)
    assert np.isnan(found["habitat_1_original_firstorder_Mean"])
    assert found["habitat_2_absent"] == 0
    assert all(np.isnan(found[name]) for name in found if "4" in name.partition("original")[0])
    assert row["reason"] is None


def test_what_the_engine_refuses_is_empty_with_its_reason(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ImageError("too flat")

    lesion, _, _ = two_levels(tmp_path)
    monkeypatch.setattr("pipeline.habitat.habitats.region_values", refuse)
    found, row = described(lesion, tmp_path)

    assert (row["status"], row["reason"], found["habitat_1_absent"]) == ("ok", "habitat 1: too flat", 1)


def test_it_is_computed_anew_for_other_clusters_params_or_code(tmp_path):
    lesion, _, _ = two_levels(tmp_path)
    store = ContentStore(tmp_path / "store", limit_bytes=10**9)
    changes = [{}, {}, {"clusters": by_grey(-1.1, 1.0)}, {"code": "edited"}]
    changes += [{"params": AUTO.model_copy(update={"min_voxels": 21})}]
    counts = []
    for change in changes:
        described(lesion, tmp_path, **change)
        counts.append(store.count())

    assert counts == [1, 1, 2, 3, 4]


def test_a_lesion_is_labelled_by_the_clusterings_of_its_patient(tmp_path):
    lesion, _, _ = two_levels(tmp_path)
    other = replace(lesion, mask=tmp_path / "other.nrrd")
    none = frozenset()
    fits = [
        Fit(resample="cv", part="a", trained=none, labelled=frozenset("p")),
        Fit(resample="final", part="a", trained=none, labelled=none),
        Fit(resample="final", part="b", trained=none, labelled=frozenset("p")),
    ]
    same = label_cases({"cv": [lesion], "final": [lesion]}, fits=fits, final="final")
    apart = label_cases({"cv": [other], "final": [lesion]}, fits=fits, final="final")

    assert [(case.rows, case.shown) for case in same] == [((("cv", "a"), ("final", "b")), ("final", "b"))]
    assert [(case.lesion, case.rows, case.shown) for case in apart] == [
        (lesion, (("final", "b"),), ("final", "b")),
        (other, (("cv", "a"),), None),
    ]
