"""PyRadiomics' extractor with a limit on grey levels, and one sentence if another package has its name.

The co-occurrence matrix of N grey levels takes 104 N² bytes in three dimensions, several times over, and its features
as much time: PET in Bq/ml with bins of 25 has tens of thousands of levels, which no memory holds. Guidance is 30 to 130
levels (PyRadiomics), 16 to 128 (Tixier et al., J Nucl Med 2012;53:693).
"""

import sys
from typing import Any

import SimpleITK as sitk

from pipeline.foundation.errors import PipelineError
from pipeline.radiomics.refusals import check_levels

try:
    from radiomics.featureextractor import RadiomicsFeatureExtractor
except ImportError as error:
    found = getattr(sys.modules.get("radiomics"), "__file__", None)
    reason = f"the package radiomics in {found} is not PyRadiomics" if found else "PyRadiomics is not installed"
    remedy = "remove it (or its folder from PYTHONPATH), and install" if found else "install"
    raise PipelineError(f"{reason} ({error}); {remedy} pyradiomics as requirements.txt names it") from error

TEXTURES = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")


class BoundedExtractor(RadiomicsFeatureExtractor):
    """PyRadiomics, which refuses an image with too many grey levels before it builds a matrix of them."""

    def computeFeatures(self, image: sitk.Image, mask: sitk.Image, imageTypeName: str, **settings: Any) -> Any:  # noqa: N802
        """The features of one filtered image, as PyRadiomics computes them.

        Raises ImageError if the ROI has more than MAX_GREY_LEVELS grey levels and a texture class is enabled.
        """
        if any(name in self.enabledFeatures for name in TEXTURES):
            check_grey_levels(image, mask, filtered=imageTypeName, settings=settings)
        return super().computeFeatures(image, mask, imageTypeName, **settings)


def check_grey_levels(image: sitk.Image, mask: sitk.Image, *, filtered: str, settings: dict[str, Any]) -> None:
    """Raise ImageError if binCount, or the range of the ROI over binWidth, gives more than MAX_GREY_LEVELS levels.

    `filtered` is PyRadiomics' name of the image (original, wavelet-LLL …); `settings` are those of the extraction.
    """
    voxels = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(mask) == settings.get("label", 1)]
    check_levels(voxels, filtered=filtered, bin_width=settings.get("binWidth", 25), bin_count=settings.get("binCount"))
