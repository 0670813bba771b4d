"""The extractor: PyRadiomics' own values, a limit on grey levels, one sentence if PyRadiomics is another package."""

import os
import subprocess
import sys

import numpy as np
import pytest
from places import ROOT
from radiomics.featureextractor import RadiomicsFeatureExtractor

from pipeline.foundation.errors import ImageError
from pipeline.foundation.images import array_of, image_from
from pipeline.radiomics.extractor import BoundedExtractor, check_grey_levels
from pipeline.radiomics.pyradiomics import collected_log
from pipeline.radiomics.recipe import synthetic_lesion

SETTINGS = {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"], "glcm": ["Contrast"]}}


def test_values_are_those_of_pyradiomics():
    image, mask = synthetic_lesion("3-D")
    with collected_log():
        found, plain = (kind(SETTINGS).execute(image, mask) for kind in (BoundedExtractor, RadiomicsFeatureExtractor))

    assert {name: float(found[name]) for name in found if name.startswith("original")} == {
        name: float(plain[name]) for name in plain if name.startswith("original")
    }


def wide(top):
    """An image of values from 0 to `top` in its ROI."""
    image, mask = synthetic_lesion("3-D")
    marked = array_of(mask) == 1
    values = np.zeros(marked.shape)
    values[marked] = np.linspace(0, top, marked.sum())
    return image_from(values, like=image), mask


@pytest.mark.parametrize(
    ("top", "settings", "levels"),
    [
        (24_999, {}, None),
        (25_000, {}, 1001),
        (50_000, {"binWidth": 5}, 10_001),
        (1e9, {"binCount": 32}, None),
        (9, {"binCount": 2000}, 2000),
    ],
)
def test_the_number_of_grey_levels_by_hand(top, settings, levels):
    image, mask = wide(top)
    if levels is None:
        check_grey_levels(image, mask, filtered="original", settings=settings)
    else:
        with pytest.raises(ImageError, match=f"the original image has {levels} grey levels .*more than 1000; set bin"):
            check_grey_levels(image, mask, filtered="original", settings=settings)


def test_the_limit_concerns_texture_alone():
    image, mask = wide(1e6)
    with collected_log():
        assert BoundedExtractor(SETTINGS | {"featureClass": {"firstorder": ["Mean"]}}).execute(image, mask)
        with pytest.raises(ImageError, match=r"set binWidth to about 1.6e\+04 or binCount to 64"):
            BoundedExtractor(SETTINGS).execute(image, mask)


@pytest.mark.parametrize("content", ["", "raise ImportError('broken')"])
def test_another_package_called_radiomics_is_one_sentence(tmp_path, content):
    (tmp_path / "radiomics").mkdir()
    (tmp_path / "radiomics" / "__init__.py").write_text(content)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "stages.radiomics", "--help"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "PyRadiomics" in done.stderr
    assert "requirements.txt" in done.stderr
