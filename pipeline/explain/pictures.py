"""The picture of an example: the lesion with its contour, and beside it the same with the network's map overlaid."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

CONTOUR_RGB = (255, 214, 0)
GAP_PX = 6
OPACITY = 0.5  # of the map at its maximum
HALF = 128
COLOURS = 128  # of a picture: pictures are embedded in the page, so their size matters


def picture(
    grey: NDArray[np.uint8], *, lesion: NDArray[np.uint8], heat: NDArray[np.float32] | None, panel_px: int
) -> bytes:
    """A PNG of one panel, or of two if there is a map; the same inputs give the same bytes.

    Parameters, all of shape (S, S): `grey` 0 to 255, `lesion` (at least 128 inside the mask), `heat` 0 to 1.
    """
    plain = np.repeat(_enlarged(grey, panel_px=panel_px)[..., None], 3, axis=2)
    contour = _contour(_enlarged(lesion, panel_px=panel_px) >= HALF)
    panels = [_with_contour(plain, contour)]
    if heat is not None:
        large = _enlarged(np.rint(heat * 255).astype(np.uint8), panel_px=panel_px) / 255.0
        opacity = OPACITY * large[..., None]
        panels.append(_with_contour((plain * (1 - opacity) + _colours(large) * opacity).astype(np.uint8), contour))
    gap = np.full((panel_px, GAP_PX, 3), 255, dtype=np.uint8)
    row = panels[0] if len(panels) == 1 else np.concatenate([panels[0], gap, panels[1]], axis=1)
    stream = BytesIO()
    few = Image.fromarray(row).quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(stream, format="PNG", optimize=True)
    return stream.getvalue()


def _enlarged(values: NDArray[np.uint8], *, panel_px: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(values).resize((panel_px, panel_px), Image.Resampling.BICUBIC))


def _contour(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels just outside the mask, two wide, so that the lesion itself is not covered."""
    return np.asarray(ndimage.binary_dilation(inside, iterations=2) & ~inside)


def _with_contour(panel: NDArray[np.uint8], contour: NDArray[np.bool_]) -> NDArray[np.uint8]:
    drawn = panel.copy()
    drawn[contour] = CONTOUR_RGB
    return drawn


def _colours(heat: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map's colours, 0 to 255, shape (S, S, 3): dark red to yellow, brighter with higher values."""
    return np.stack([80 + 175 * heat, 220 * heat**1.5, 20 + 60 * heat**3], axis=-1)
