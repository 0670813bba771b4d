"""Shape features of volumes: PyRadiomics' values on drawn masks, and an empty one."""

import numpy as np
import pytest
import SimpleITK as sitk
from radiomics.shape import RadiomicsShape

from pipeline.radiomics.engine.shape3d import NAMES, OPTIONAL, shape_3d
from pipeline.radiomics.pyradiomics import collected_log

SPACING_MM = (2.5, 0.7, 0.9)


def drawn(kind):
    """A mask of one kind that PyRadiomics accepts."""
    rng = np.random.default_rng(8)
    mask = rng.random((9, 10, 11)) < 0.3
    if kind == "thick":
        mask[3:6, 2:8] = True
    elif kind == "full":
        mask[:] = True
    elif kind == "thin":
        mask[:] = False
        mask[3] = rng.random(mask.shape[1:]) < 0.6
    return mask


@pytest.mark.parametrize("kind", ["noise", "thick", "full", "thin"])
def test_values_names_and_order_equal_pyradiomics(kind):
    mask = drawn(kind)
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(SPACING_MM[::-1])
    with collected_log():
        oracle = RadiomicsShape(image, image)
        for name in (*NAMES, *OPTIONAL):
            oracle.enableFeatureByName(name)
        expected = {name: float(value) for name, value in oracle.execute().items()}

    found = shape_3d(mask, spacing_mm=np.array(SPACING_MM), names=(*NAMES, *OPTIONAL))

    assert list(found) == list(expected)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


def test_an_empty_mask_is_refused():
    with pytest.raises(ValueError, match="inside has no"):
        shape_3d(np.zeros((9, 10, 11), dtype=bool), spacing_mm=np.array(SPACING_MM))
