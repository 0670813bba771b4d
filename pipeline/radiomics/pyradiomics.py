"""PyRadiomics, set up from native settings and called on one ROI: the second engine, and the oracle of our own."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import SimpleITK as sitk
from pykwalify.errors import PyKwalifyException

from pipeline.foundation.errors import ImageError, ParamsError, lacks_memory
from pipeline.radiomics.extractor import BoundedExtractor
from pipeline.radiomics.refusals import ON_IMAGE, plain_reason

_LOGGERS = ("radiomics", "pykwalify.core")
_FILE = "params/radiomics.yaml"
# Messages that PyRadiomics logs on every run, whatever the image.
_ADVICE = ("GLCM is symmetrical", "Fixed bin Count enabled", "Calculating Local Binary Pattern in 2D")


def with_float_bins(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with `binWidth` as a float: for uint8 voxels NumPy 2 gives bin edges in uint8, which wrap at 256."""
    width = settings.get("binWidth")
    return dict(settings) | ({"binWidth": float(width)} if isinstance(width, int) else {})


@contextmanager
def collected_log() -> Iterator[list[str]]:
    """Collect the warnings of PyRadiomics and of its settings check, which would otherwise go to standard error."""
    messages: list[str] = []
    collector = logging.Handler(logging.WARNING)
    collector.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    try:
        for logger in loggers:
            logger.handlers, logger.propagate = [collector], False
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # 0/0 in empty texture matrices, names that scipy deprecates
            yield messages
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def set_up(settings: dict[str, Any]) -> BoundedExtractor:
    """PyRadiomics with native settings, passed as a dict; diagnostic columns are off.

    Raises ParamsError if PyRadiomics does not know a key or refuses a value.
    """
    # correctMask removes the border that `framed` adds; all other masks are already on the image's grid.
    general = with_float_bins(settings.get("setting") or {}) | {"additionalInfo": False, "correctMask": True}
    image_types = {name: with_float_bins(own or {}) for name, own in (settings.get("imageType") or {}).items()}
    quiet = settings | {"setting": general} | ({"imageType": image_types} if image_types else {})
    with collected_log():
        try:
            return BoundedExtractor(quiet)
        except (PyKwalifyException, ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(getattr(error, "msg", error)).split()).removeprefix("Schema validation failed: - ")
            raise ParamsError(f"{_FILE}: PyRadiomics refuses the settings: {reason}") from error


def framed(mask: sitk.Image) -> sitk.Image:
    """A mask that fills its image, padded by one background voxel; PyRadiomics refuses a mask without background."""
    if not sitk.GetArrayViewFromImage(mask).all():
        return mask
    edge = [1] * mask.GetDimension()
    return sitk.ConstantPad(mask, edge, edge, 0)


def extracted(
    extractor: BoundedExtractor, *, image: sitk.Image, mask: sitk.Image
) -> tuple[dict[str, float], list[str]]:
    """All features of one ROI by name, as PyRadiomics computes them, and its warnings.

    `image` and `mask` (uint8 0/1) share one grid. Raises ImageError for what PyRadiomics raises on an image (ON_IMAGE),
    MemoryError if there is too little memory.
    """
    with collected_log() as messages:
        try:
            found = extractor.execute(image, framed(mask))
        except ON_IMAGE as error:
            if lacks_memory(error):
                raise MemoryError(str(error)) from error
            raise ImageError(plain_reason(error)) from error
    # PyRadiomics catches any error of a single feature, logs it and returns NaN.
    if any("MemoryError" in text for text in messages):
        raise MemoryError("PyRadiomics")
    logged = [text for text in dict.fromkeys(messages) if not text.startswith(_ADVICE)]
    return {name: float(value) for name, value in found.items()}, logged
