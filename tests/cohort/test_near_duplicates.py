"""near_duplicates: pairs as links, table, thumbnails and findings."""

import numpy as np
import pandas as pd
import pytest
from near_copies import drawn, mirrored
from PIL import Image

from pipeline.cohort.checks import CHECKS
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.near_duplicates import (
    near_findings,
    near_links,
    pairs_table,
    search,
    thumbnail,
    write_near_duplicates,
)
from pipeline.cohort.near_pairs import NearPair, SignedImage
from pipeline.cohort.near_signature import signature
from pipeline.contracts.data.cohort import NEAR_DUPLICATES
from pipeline.foundation.images import image_from, write_image
from pipeline.foundation.tables import read_table


def side(name, pixels=None):
    return SignedImage(
        image_id=f"i{name}", patient_id=f"p{name}", pixels=pixels or name, signature=np.zeros((1, 64, 64), np.int8)
    )


def pair(one, other, *, distance=0.08, flipped=False, pixels=(None, None)):
    return NearPair(one=side(one, pixels[0]), other=side(other, pixels[1]), distance=distance, mirrored=flipped)


def patients(labels=(0, 0, 0), cohorts=("train", "train", "train")):
    return pd.DataFrame({"patient_id": ["pa", "pb", "pc"], "label": labels, "cohort": cohorts})


CHAIN = [pair("a", "b"), pair("b", "c", flipped=True)]
IDENTICAL = pair("a", "c", distance=0.0, pixels=("same", "same"))


def test_search_finds_a_planted_copy_unless_it_is_off():
    shown = {"a": drawn(1), "b": drawn(2), "c": mirrored(drawn(1))}
    imported = [
        ImportedImage(image_id=f"i{n}", patient_id=f"p{n}", row={}, pixels=n, signature=signature(image_from(image)))
        for n, image in shown.items()
    ]
    imported.append(ImportedImage(image_id="unread", patient_id="pu", row=None))

    assert [found.patients for found in search(imported, mode="report")] == [("pa", "pc")]
    assert search(imported, mode="off") == []


def test_patients_are_joined_only_by_join():
    assert near_links(CHAIN, mode="join") == [("pa", "pb"), ("pb", "pc")]
    assert near_links(CHAIN, mode="report") == near_links(CHAIN, mode="off") == []


@pytest.mark.parametrize(("mode", "joined"), [("join", [1, 1, 1]), ("report", [0, 0, 1])])
def test_identical_voxels_are_joined_in_every_mode(mode, joined):
    table = pairs_table([*CHAIN, IDENTICAL], mode=mode)

    assert table["joined"].tolist() == joined
    assert table["mirrored"].tolist() == [0, 1, 0]
    assert table["distance"].tolist() == [0.08, 0.08, 0.0]


def test_the_folder_holds_the_pairs_and_a_thumbnail_of_each_image(tmp_path):
    write_image(image_from(drawn(1, size_px=(300, 400))), tmp_path / "images" / "ia.nrrd")
    volume = np.stack([np.full((50, 20), n) for n in (-1000, 0, 400)]) + 50 * np.arange(20)
    write_image(image_from(volume.astype(np.int16)), tmp_path / "images" / "ib.nrrd")

    write_near_duplicates(CHAIN[:1], mode="join", images=tmp_path / "images", folder=tmp_path / "near")

    assert sorted(path.name for path in (tmp_path / "near").iterdir()) == ["ia.png", "ib.png", "pairs.csv"]
    row = read_table(tmp_path / "near" / "pairs.csv", NEAR_DUPLICATES).iloc[0]
    assert (row["image_a"], row["patient_b"], row["distance"]) == ("ia", "pb", 0.08)
    with Image.open(tmp_path / "near" / "ia.png") as plane, Image.open(tmp_path / "near" / "ib.png") as middle:
        assert (plane.size, plane.mode, middle.size, middle.mode) == ((160, 120), "L", (64, 160), "L")
        assert (np.asarray(middle).min(), np.asarray(middle).max()) == (0, 255)


def test_without_pairs_the_table_has_no_row(tmp_path):
    write_near_duplicates([], mode="off", images=tmp_path, folder=tmp_path / "near")

    assert read_table(tmp_path / "near" / "pairs.csv", NEAR_DUPLICATES).empty


def test_a_flat_image_has_a_thumbnail(tmp_path):
    write_image(image_from(np.full((10, 10), 7.0)), tmp_path / "flat.nrrd")

    assert np.asarray(thumbnail(tmp_path / "flat.nrrd")).max() == 0


def test_a_pair_is_a_warning_with_ids_patients_and_distance():
    first, second = near_findings(CHAIN, patients=patients(), mode="join")

    assert (first.check, first.severity, first.id) == ("near_duplicate", "warning", "ia")
    assert first.message == (
        "image ia: the same picture twice: ia of patient pa and ib of patient pb, distance 0.08; "
        "the patients are kept together in every split"
    )
    assert "distance 0.08, mirrored" in second.message


def test_report_says_how_to_join():
    (found,) = near_findings(CHAIN[:1], patients=patients(), mode="report")

    assert found.severity == "warning"
    assert "set near_duplicates: join in params/cohort.yaml" in found.message


def test_off_is_recorded():
    (found,) = near_findings([], patients=patients(), mode="off")

    assert (found.check, found.severity, found.scope) == ("near_duplicates_off", "info", "cohort")


def test_identical_voxels_are_left_to_the_findings_of_duplicates():
    assert near_findings([IDENTICAL], patients=patients((0, 0, 1)), mode="join") == []


def test_pairs_across_declared_cohorts_are_one_error_that_lists_them():
    table = patients(cohorts=("train", "external", "internal"))

    (found,) = near_findings(CHAIN, patients=table, mode="join")

    assert (found.check, found.severity) == ("near_duplicate_across_cohorts", "error")
    assert found.message.startswith("2 pairs of images show the same picture across declared cohorts (")
    assert "ia of patient pa, train and ib of patient pb, external, distance 0.08" in found.message
    assert "ib of patient pb, external and ic of patient pc, internal, distance 0.08, mirrored" in found.message


def test_contradictory_labels_are_one_warning_that_lists_the_pairs():
    found = near_findings(CHAIN, patients=patients((0, 0, 1)), mode="join")

    assert [(f.check, f.severity) for f in found] == [
        ("near_duplicate", "warning"),
        ("near_duplicate_contradictory_labels", "warning"),
    ]
    assert "1 pair of images shows the same picture with contradictory labels (ib of patient pb, label 0 and ic" in (
        found[1].message
    )


@pytest.mark.parametrize(("labels", "cohorts"), [((0, np.nan, 0), ("train", "", "train")), ((1, 1, 1), (None,) * 3)])
def test_what_is_not_given_does_not_differ(labels, cohorts):
    found = near_findings(CHAIN[:1], patients=patients(labels, cohorts), mode="join")

    assert [f.check for f in found] == ["near_duplicate"]


def test_every_check_is_explained():
    names = {"near_duplicate", "near_duplicate_across_cohorts", "near_duplicate_contradictory_labels"}

    assert {*names, "near_duplicates_off"} <= set(CHECKS)
