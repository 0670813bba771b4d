"""compared_images: which images take part in which comparison."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.cohort.compared_images import comparison_findings
from pipeline.cohort.image_summary import image_summary
from pipeline.cohort.import_image import ImportedImage
from pipeline.cohort.importers.source import LesionSource, Source, SourceImage

ARRAY = np.random.default_rng(0).integers(0, 255, (30, 40), dtype=np.uint8)
BOX = np.zeros((30, 40), dtype=bool)
BOX[10:20, 10:25] = True


def cohort(owners, *, lesion=BOX, mask=None, kind="files"):
    """A source with one image per owner in `owners`, each with the same voxels of its mask in a file `mask`."""
    names = [f"i{n:03}" for n in range(len(owners))]
    images = [
        SourceImage(
            image_id=name,
            patient_id=owner,
            image=Path(f"{name}.png"),
            lesion=LesionSource(kind=kind, files=(Path(mask or f"{name}_m.png"),) if kind == "files" else ()),
        )
        for name, owner in zip(names, owners, strict=True)
    ]
    imported = [
        ImportedImage(
            image_id=name,
            patient_id=owner,
            row={},
            pixels=name,
            mask="same",
            summary=image_summary(ARRAY, lesion=lesion, whole=kind == "full"),
        )
        for name, owner in zip(names, owners, strict=True)
    ]
    return Source(images=images, patients=pd.DataFrame({"patient_id": sorted(set(owners))})), imported


def checks(owners, **given):
    source, imported = cohort(owners, **given)
    return [f.check for f in comparison_findings(source, imported=imported)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["mask_repeated"]),
        ({"mask": "all.png"}, ["mask_of_many"]),
        ({"lesion": np.ones_like(BOX)}, []),  # a mask that is drawn over the whole image
        ({"lesion": np.ones_like(BOX), "kind": "full"}, []),
        ({"lesion": None}, []),
    ],
)
def test_only_masks_of_a_part_of_the_image_are_compared(given, expected):
    assert checks(["P1", "P2", "P3", "P4"], **given) == expected


@pytest.mark.parametrize(
    ("owners", "expected"),
    [
        (["P0"] * 400 + [f"P{n}" for n in range(1, 24)], ["images_of_one_patient"]),
        (["P0"] * 19 + [f"P{n}" for n in range(1, 24)], []),
        ([f"P{n % 24}" for n in range(24 * 30)], []),  # thirty frames of each
    ],
)
def test_a_patient_with_most_images_is_named(owners, expected):
    assert checks(owners, lesion=None) == expected


def test_the_sentence_about_a_patient_with_most_images():
    source, imported = cohort(["P0"] * 400 + [f"P{n}" for n in range(1, 24)], lesion=None)
    (only,) = comparison_findings(source, imported=imported)
    assert only.severity == "warning"
    assert only.message.startswith("of 423 images, 400 of patient P0; the median patient has 1: check the column")
