"""Pictures of masks and habitats on their image: PNG bytes, the same for the same inputs."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Image8 = NDArray[np.uint8]
Mask = NDArray[np.bool_]
GIVEN_RGB, PREDICTED_RGB = (255, 214, 0), (0, 229, 255)
DASH_PX = 7  # length of a dash of the second contour, which is told from the first without its colour
LINE_PX = 2  # width of a contour
GAP_PX, COLOURS = 6, 128
MARGIN = 0.35  # around the lesion, per side of its bounding box
MIN_MARGIN_PX = 12
OPACITY = 0.85  # of habitats
# Lightness rises from the first to the last, so that the order of habitats survives printing in grey.
RAMP = np.array([(38, 20, 92), (40, 92, 150), (48, 150, 124), (158, 202, 76), (255, 244, 170)], dtype=np.float64)


def habitat_colours(k: int) -> list[tuple[int, int, int]]:
    """The colour (red, green, blue) of each of `k` habitats, the darkest first."""
    at = np.linspace(0, len(RAMP) - 1, k) if k > 1 else np.zeros(1)
    channels = [np.interp(at, np.arange(len(RAMP)), RAMP[:, channel]) for channel in range(3)]
    return [(int(r), int(g), int(b)) for r, g, b in np.rint(np.stack(channels, axis=1))]


def largest_slice(masks: Sequence[Mask]) -> int | None:
    """The slice of a volume (z, y, x) with the largest area of all masks together; None for images (y, x)."""
    union = np.logical_or.reduce(list(masks))
    return None if union.ndim == 2 else int(union.sum(axis=(1, 2)).argmax())


def mask_picture(image: NDArray[np.generic], *, given: Mask, predicted: Mask, panel_px: int) -> bytes:
    """A PNG of the lesion with the contours of the given mask (solid) and of the predicted one (dashed).

    All three have one shape, (y, x) or (z, y, x); of a volume, the slice with the largest area is shown.
    """
    at = largest_slice([given, predicted])
    grey = image if at is None else image[at]
    first, second = (given, predicted) if at is None else (given[at], predicted[at])
    box = _box(first | second)
    panel = _colour(_enlarged(_as_grey(grey)[box], panel_px=panel_px))
    for mask, colour, dashed in ((first, GIVEN_RGB, False), (second, PREDICTED_RGB, True)):
        panel[_contour(_enlarged_mask(mask[box], panel_px=panel_px), dashed=dashed)] = colour
    return _png(panel)


def habitat_picture(image: NDArray[np.generic], *, labels: NDArray[np.uint8], k: int, panel_px: int) -> bytes:
    """A PNG of two panels: the lesion with its contour, and the same with its habitats (`labels`, 0 = outside).

    Shapes as in `mask_picture`.
    """
    at = largest_slice([labels > 0])
    grey, inside = (image, labels) if at is None else (image[at], labels[at])
    box = _box(inside > 0)
    plain = _colour(_enlarged(_as_grey(grey)[box], panel_px=panel_px))
    large = _nearest(inside[box], panel_px=panel_px)
    left, right = plain.copy(), plain.astype(np.float64)
    left[_contour(large > 0, dashed=False)] = GIVEN_RGB
    for number, colour in enumerate(habitat_colours(k), 1):
        own = large == number
        right[own] = right[own] * (1 - OPACITY) + np.array(colour) * OPACITY
    gap = np.full((panel_px, GAP_PX, 3), 255, dtype=np.uint8)
    return _png(np.concatenate([left, gap, np.rint(right).astype(np.uint8)], axis=1))


def _as_grey(values: NDArray[np.generic]) -> Image8:
    """8-bit grey values unchanged, others from their 0.5th to their 99.5th percentile."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8)
    numbers = values.astype(np.float64)
    low, high = np.nanpercentile(numbers, (0.5, 99.5))
    scaled = np.nan_to_num((numbers - low) / (high - low if high > low else 1.0))
    return np.rint(scaled.clip(0, 1) * 255).astype(np.uint8)


def _box(mask: Mask) -> tuple[slice, slice]:
    """A square around the mask with a margin, cut off at the image's edges; the whole image if the mask is empty."""
    if not mask.any():
        return slice(0, mask.shape[0]), slice(0, mask.shape[1])
    ends = [(int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(mask)]
    side = max(high - low for low, high in ends)
    half = side / 2 + max(MARGIN * side, MIN_MARGIN_PX)
    rows, columns = (
        slice(max(0, int((low + high) / 2 - half)), min(size, int(np.ceil((low + high) / 2 + half))))
        for (low, high), size in zip(ends, mask.shape, strict=True)
    )
    return rows, columns


def _fitted(shape: tuple[int, ...], panel_px: int) -> tuple[int, int]:
    """The size (width, height) at which an array fills a panel with its proportions kept."""
    scale = panel_px / max(shape[:2])
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def _padded(values: Image8, panel_px: int) -> Image8:
    """Centred on a black square."""
    panel = np.zeros((panel_px, panel_px), dtype=np.uint8)
    top, left = ((panel_px - side) // 2 for side in values.shape)
    panel[top : top + values.shape[0], left : left + values.shape[1]] = values
    return panel


def _enlarged(values: Image8, *, panel_px: int) -> Image8:
    large = Image.fromarray(np.ascontiguousarray(values)).resize(
        _fitted(values.shape, panel_px), Image.Resampling.BICUBIC
    )
    return _padded(np.asarray(large), panel_px)


def _nearest(values: Image8, *, panel_px: int) -> Image8:
    large = Image.fromarray(np.ascontiguousarray(values)).resize(
        _fitted(values.shape, panel_px), Image.Resampling.NEAREST
    )
    return _padded(np.asarray(large), panel_px)


def _enlarged_mask(mask: Mask, *, panel_px: int) -> Mask:
    return np.asarray(_enlarged(mask.astype(np.uint8) * 255, panel_px=panel_px) >= 128)


def _colour(grey: Image8) -> Image8:
    return np.repeat(grey[..., None], 3, axis=2)


def _contour(inside: Mask, *, dashed: bool) -> Mask:
    """The pixels just outside the mask, so that the lesion itself is not covered."""
    line = ndimage.binary_dilation(inside, iterations=LINE_PX) & ~inside
    if dashed and line.any():
        # Dashes by angle around the centre: along a fixed direction a slanting line would be whole or missing.
        rows, columns = np.indices(inside.shape)
        row, column = (axis.mean() for axis in np.nonzero(inside))
        dashes = max(8, round(line.sum() / LINE_PX / DASH_PX / 2))
        turn = np.arctan2(rows - row, columns - column) / (2 * np.pi) + 0.5
        line &= np.floor(turn * 2 * dashes) % 2 == 0
    return np.asarray(line)


def _png(panel: Image8) -> bytes:
    stream = BytesIO()
    few = Image.fromarray(panel).quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    few.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
