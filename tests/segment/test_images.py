"""What an image gives to the training: its planes, and every image that cannot be used, at once."""

import logging

import numpy as np
import pytest
from drawn_nodules import DECODE, SIDE_PX, drawing, drawn_study, segment_params, write_glands
from PIL import Image

from pipeline.contracts.data.cohort import WHOLE
from pipeline.foundation.errors import CohortError
from pipeline.foundation.images import image_from, write_image
from pipeline.segment.images import reader, training_pictures
from pipeline.segment.pictures import cohort_pictures, gland_pictures, with_mask

PARAMS = segment_params(input={"image_size_px": 48})


def pictures(folder, **study):
    cohort, patients = drawn_study(folder, **study)
    return cohort_pictures(cohort, patients, images=folder / "images", masks=folder / "masks")


def glands(folder, **study):
    write_glands(folder, **study)
    return gland_pictures(segment_params(gland={"use": True, "root": str(folder), "block_frames": 2}).gland)


def read(found, *, params=PARAMS):
    return [reader(params.input, DECODE)(one) for one in found]


def test_planes_are_grey_lesion_and_gland(tmp_path):
    one, other = read(pictures(tmp_path, n=4, glands=(0,))[:2])
    grey, nodule, gland = drawing(0)

    assert (one.planes == np.stack([grey, nodule * 255, gland * 255])).all()
    assert one.area == pytest.approx([nodule.mean()])
    assert not other.planes[0, 2].any()


def test_images_without_an_outline_and_of_the_whole_image_teach_nothing(tmp_path):
    cohort, patients = drawn_study(tmp_path, n=4, without=(1,), glands=(1,))
    cohort.loc[2, "mask_source"] = WHOLE
    found = cohort_pictures(cohort, patients, images=tmp_path, masks=tmp_path)

    assert [one.lesion is not None for one in found] == [True, False, False, True]
    assert [one.image_id for one in with_mask(found)] == ["p00", "p01", "p03"]
    assert [one.group for one in found] == ["P00", "P00", "P02", "P03"]
    assert found[0].spacing_mm == (0.5, 0.5)


def test_slices_of_a_volume_with_a_lesion_and_some_without(tmp_path):
    (one, *_) = found = pictures(tmp_path, n=4, slices=6)
    few, all_of_them = (
        read([one], params=segment_params(input={"image_size_px": 48, "empty_slices": share}))[0]
        for share in (0.25, 5.0)
    )

    assert one.spacing_mm == (2.0, 0.5, 0.5)
    assert few.planes[:, 1].any(axis=(1, 2)).tolist() == [False, True, True, True, True]
    assert few.area.tolist() == pytest.approx([0, *[drawing(0)[1].mean()] * 4])
    assert len(all_of_them.planes) == 6
    assert training_pictures(read(found)).pictures[5:7] == (found[1], found[1])


def test_a_gland_of_another_folder_is_decoded_from_its_lossy_mask(tmp_path):
    (one, *_) = read(glands(tmp_path, n=4))

    assert (one.picture.image_id, one.picture.patient_id, one.picture.group) == ("gland-00000", "", "gland-00000")
    assert (one.planes[0, 2] == drawing(100)[2] * 255).mean() > 0.99
    assert not one.planes[0, 1].any()


def test_every_image_that_cannot_be_used_is_listed_at_once(tmp_path):
    found = [*pictures(tmp_path / "cohort", n=5, glands=(1,)), *glands(tmp_path / "glands", n=4)]
    small, none = np.zeros((30, SIDE_PX), np.uint8), np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    write_image(image_from(small + 1), found[1].gland)
    found[2].image.write_text("no image")
    Image.fromarray(none).save(found[5].gland)
    Image.fromarray(small + 255).save(found[6].gland)

    with pytest.raises(CohortError) as error:
        training_pictures(read(found))

    heading, *lines = str(error.value).splitlines()
    assert heading == "4 images cannot be used for segmentation:"
    assert lines[0] == "  - p01.nrrd: the mask of (30, 48) and the image of (48, 48) voxels differ in size"
    assert lines[1].startswith("  - p02.nrrd: p02.nrrd: not readable as an image (")
    assert lines[2] == "  - 0.jpg: the mask 0.jpg is empty; draw the gland or exclude the image"
    assert lines[3] == "  - 1.jpg: the mask of (30, 48) and the image of (48, 48) voxels differ in size"


def test_a_lesion_too_small_for_the_network_is_logged_and_not_learned_as_absent(tmp_path, caplog):
    found = pictures(tmp_path, n=4, glands=(0,))
    dot = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    dot[7, 7] = 1
    write_image(image_from(dot), found[0].lesion)
    kept = training_pictures(read(found))
    caplog.set_level(logging.WARNING)
    smaller = training_pictures(read(found, params=segment_params()))

    assert kept.planes[0, 1].sum() == 255
    assert [one.image_id for one in smaller.pictures] == ["p01", "p02", "p03"]
    assert "lesion is too small for input.image_size_px in params/segment.yaml: 1, first p00; no network" in caplog.text


def test_no_given_mask_at_all_is_one_sentence():
    with pytest.raises(
        CohortError, match="no image has a given mask, and segmentation networks learn from given masks"
    ):
        training_pictures([])


def test_rows_tasks_and_hash(tmp_path):
    found = [*pictures(tmp_path / "c", n=4, without=(1,), glands=(0, 1)), *glands(tmp_path / "g", n=4)]
    kept = training_pictures(read(with_mask(found)))
    rows = kept.rows(patients=frozenset({"P00", "P01", "P03"}), glands=frozenset({"gland-00001"}))
    task = kept.task(rows, loss=PARAMS.loss, glands=True)
    examples = kept.examples(rows)

    assert examples.patients == ("P00", "P01", "P03", "gland-00002", "gland-00003")
    assert examples.groups == ("P00", "P00", "P03", "gland-00001", "gland-00001")
    assert task.has_lesion.tolist() == [True, False, True, False, False]
    assert task.has_gland.tolist() == [True, True, False, True, True]
    assert not kept.task(rows, loss=PARAMS.loss, glands=False).has_gland.any()
    assert kept.sha256() != training_pictures(read(with_mask(found)[1:])).sha256()
