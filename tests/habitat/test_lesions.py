"""Lesions of the table of ROIs: known spacing, usable patients, damaged and unusable files."""

import numpy as np
import pandas as pd
import pytest

from pipeline.contracts.data.crop import ROIS
from pipeline.foundation.errors import ImageError, PipelineError
from pipeline.foundation.images import image_from, write_image
from pipeline.habitat.lesions import lesions_of, patients_of, read_lesion


def rois(**changes):
    row = {"image_id": "i1", "patient_id": "p1", "view": "v", "image": "i.nrrd", "mask": "m.nrrd", "n_voxels": 4}
    row |= {"depth_px": 1, "spacing_x_mm": 0.5, "spacing_y_mm": 0.6, "status": "ok", "reason": None} | changes
    return pd.DataFrame([row]).reindex(columns=ROIS.names)


@pytest.mark.parametrize(
    ("changes", "spacing"),
    [
        ({}, (0.5, 0.6)),
        ({"spacing_y_mm": None}, ()),
        ({"depth_px": 3}, ()),
        ({"depth_px": 3, "spacing_z_mm": 2.0}, (0.5, 0.6, 2.0)),
        ({"depth_px": None, "n_voxels": None, "status": "no_roi"}, (0.5, 0.6)),
    ],
)
def test_the_spacing_is_known_along_every_axis_or_not_at_all(changes, spacing, tmp_path):
    (found,) = lesions_of(rois(**changes), folder=tmp_path)

    assert (found.spacing_mm, found.in_mm) == (spacing, bool(spacing))
    assert found.image == tmp_path / "i.nrrd"


def test_patients_have_their_usable_lesions_alone(tmp_path):
    tables = [
        rois(image_id=name, patient_id=patient, status=status)
        for name, patient, status in (
            ("i2", "p1", "ok"),
            ("i1", "p1", "ok"),
            ("i3", "p1", "no_roi"),
            ("i4", "p2", "no_roi"),
        )
    ]
    found = patients_of(lesions_of(pd.concat(tables), folder=tmp_path))

    assert {name: [one.image_id for one in own.lesions] for name, own in found.items()} == {"p1": ["i1", "i2"]}


def test_a_damaged_file_stops_the_stage_and_an_unusable_image_does_not(tmp_path):
    (lesion,) = lesions_of(rois(), folder=tmp_path)
    pixels = np.full((4, 4), np.nan, dtype=np.float32)
    write_image(image_from(pixels), lesion.image)
    write_image(image_from(np.ones((4, 4), dtype=np.uint8)), lesion.mask)

    with pytest.raises(ImageError, match="16 NaN or infinite voxels"):
        read_lesion(lesion)
    write_image(image_from(np.ones((4, 5), dtype=np.uint8)), lesion.mask)
    with pytest.raises(ImageError, match="size"):
        read_lesion(lesion)
    lesion.image.write_bytes(b"torn")
    with pytest.raises(PipelineError, match="run crop again"):
        read_lesion(lesion)
