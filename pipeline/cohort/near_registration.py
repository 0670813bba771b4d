"""The distance of two signatures: how well one picture fits the other after registration."""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pipeline.cohort.near_signature import LEVELS, SIDE, Signature

GRID = 20  # cells of a descriptor along x and y
CUTS = (0.01, 0.04)  # fractions cut off a side: 0 to 5 % is within 1 % of one of them
STEPS = 10  # maximum, of Gauss-Newton; it converges in about four
CONVERGED_PX = 0.02  # a smaller step is the last
LARGEST_SCALE = 1.2  # a cut of 5 % a side on both axes is a scale of 1.11
LARGEST_SHIFT_PX = 6.0
TILE_PX = 8
FLAT = 0.25  # standard deviation of local contrast: a tile below it shows nothing
QUARTILE = 0.25  # of the tiles
MIN_TILES = 6  # a picture with fewer tiles that show something is not compared

Window = tuple[float, float, float, float]  # fractions cut off: left, right, top, bottom
WHOLE: Window = (0.0, 0.0, 0.0, 0.0)
WINDOWS: tuple[Window, ...] = tuple((a, b, c, d) for a, b, c, d in product(CUTS, repeat=4))


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The distance of two pictures, 0 (the same) to 1, and whether one is the mirror image of the other."""

    distance: float
    mirrored: bool
    correlation: float  # of the descriptors, before registration


def descriptors(signatures: Signature, *, window: Window) -> NDArray[np.float32]:
    """Unit vectors of the part of each signature inside `window`, shape (n, slices, 20, 20) from (n, slices, 64, 64).

    Zero if the signature is zero. The dot product of two is the correlation of the pictures.
    """
    left, right, top, bottom = window
    return _unit(_cells(top, bottom) @ signatures.astype(np.float32) @ _cells(left, right).T)


def _unit(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """The last three axes (slices, 20, 20), centred and of length one."""
    centred = cells - cells.mean(axis=(-3, -2, -1), keepdims=True)
    norm = np.sqrt((centred * centred).sum(axis=(-3, -2, -1), keepdims=True))
    return centred / np.maximum(norm, np.float32(1e-3))


@cache
def _cells(before: float, after: float) -> NDArray[np.float32]:
    """Mean over GRID equal cells of an axis without the fractions cut off its two ends, as a matrix (20, 64)."""
    edges = np.linspace(before * SIDE, (1 - after) * SIDE, GRID + 1)[:, None]
    pixel = np.arange(SIDE)
    covered = np.minimum(edges[1:], pixel + 1) - np.maximum(edges[:-1], pixel)
    return (np.clip(covered, 0, None) / (edges[1:] - edges[:-1])).astype(np.float32)


def fit(one: Signature, other: Signature) -> Fit:
    """Register two signatures of one shape (slices, 64, 64) and return their distance.

    Distance = 1 - the lower quartile, over all tiles in which either picture shows something, of the correlation of the
    two pictures in the tile. So at least three quarters of the picture must agree: callipers change fewer tiles, and a
    common frame with its text fills fewer. The registration is a scale and a shift along x and y (Lucas and Kanade
    1981), from the best of WINDOWS, of either picture, as it is or mirrored.
    """
    score, swapped, mirrored, window = max(
        (score, swapped, mirrored, window)
        for swapped, (fixed, moving) in enumerate(((other, one), (one, other)))
        for mirrored in (0, 1)
        for window, score in _scores(moving, fixed[..., ::-1] if mirrored else fixed)
    )
    fixed, moving = (one, other) if swapped else (other, one)
    fixed = fixed[..., ::-1] if mirrored else fixed
    distance = _distance(_contrast(fixed), _contrast(moving), start=window)
    return Fit(distance=distance, mirrored=bool(mirrored), correlation=score)


def _contrast(levels: Signature) -> NDArray[np.float32]:
    return levels.astype(np.float32) / np.float32(LEVELS)


def _scores(moving: Signature, fixed: Signature) -> list[tuple[Window, float]]:
    """The correlation of the part of `moving` inside each of WINDOWS with `fixed`."""
    sides = np.stack([_cells(*cuts) for cuts in product(CUTS, CUTS)])
    # Axes: cuts along x, cuts along y, slices, cells along y, cells along x.
    parts = sides[None, :, None] @ moving.astype(np.float32) @ sides[:, None, None].swapaxes(-1, -2)
    whole = descriptors(fixed[None], window=WHOLE)[0]
    scores = (_unit(parts) * whole).sum(axis=(-3, -2, -1)).ravel()
    return list(zip(WINDOWS, scores.tolist(), strict=True))


def _distance(fixed: NDArray[np.float32], moving: NDArray[np.float32], *, start: Window) -> float:
    """Fit `moving` to `fixed`, beginning with the part of it inside the window `start`."""
    left, right, top, bottom = start
    # Position in `moving` = scale * (position in `fixed` - centre) + centre + shift, along x, then y.
    place = np.array(
        [1 - left - right, SIDE * (left - right) / 2, 1 - top - bottom, SIDE * (top - bottom) / 2], dtype=np.float64
    )
    slope_y, slope_x = np.gradient(moving, axis=(1, 2))
    ramp = np.arange(SIDE, dtype=np.float32) - (SIDE - 1) / 2
    for _ in range(STEPS):
        across, down = _sampling(*place[:2]), _sampling(*place[2:])
        residual = _inside(across, down) * (fixed - down @ moving @ across.T)
        along_x, along_y = down @ slope_x @ across.T, down @ slope_y @ across.T
        effects = np.stack([along_x * ramp, along_x, along_y * ramp[:, None], along_y]).reshape(4, -1)
        normal = (effects @ effects.T).astype(np.float64) + 1e-3 * np.eye(4)
        step = np.linalg.solve(normal, (effects @ residual.ravel()).astype(np.float64))
        place += step
        place[[0, 2]] = place[[0, 2]].clip(1 / LARGEST_SCALE, LARGEST_SCALE)
        place[[1, 3]] = place[[1, 3]].clip(-LARGEST_SHIFT_PX, LARGEST_SHIFT_PX)
        if np.abs(step * (SIDE / 2, 1, SIDE / 2, 1)).max() < CONVERGED_PX:
            break
    across, down = _sampling(*place[:2]), _sampling(*place[2:])
    moved = (down @ moving @ across.T).astype(np.float32)
    return _tile_distance(fixed, moved, inside=_inside(across, down))


def _sampling(scale: float, shift_px: float) -> NDArray[np.float32]:
    """Linear interpolation at scaled and shifted places of an axis, as a matrix (64, 64); zero rows outside it."""
    centre = (SIDE - 1) / 2
    place = scale * (np.arange(SIDE) - centre) + centre + shift_px
    weights = np.clip(1 - np.abs(place[:, None] - np.arange(SIDE)), 0, None)
    weights[(place < -0.5) | (place > SIDE - 0.5)] = 0
    return weights.astype(np.float32)


def _inside(across: NDArray[np.float32], down: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels (64, 64) that lie inside the moving picture."""
    return (down.sum(axis=1) > 0)[:, None] & (across.sum(axis=1) > 0)


def _tile_distance(fixed: NDArray[np.float32], moved: NDArray[np.float32], *, inside: NDArray[np.bool_]) -> float:
    weights = _tiles(np.broadcast_to(inside, fixed.shape).astype(np.float32))
    one, other = (_centred(_tiles(picture), weights) for picture in (fixed, moved))
    power = np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
    size = weights.sum(axis=1)
    flat = FLAT**2 * size
    shown = (size >= TILE_PX**2 / 2) & (((one**2).sum(axis=1) > flat) | ((other**2).sum(axis=1) > flat))
    if shown.sum() < MIN_TILES:
        return 1.0
    # A tile in which only one picture shows something counts as unlike: its power is that of the other's noise.
    alike = (one * other).sum(axis=1)[shown] / np.maximum(power[shown], flat[shown])
    return float(np.clip(1 - np.quantile(alike, QUARTILE), 0, 1))


def _tiles(stack: NDArray[np.float32]) -> NDArray[np.float32]:
    """The tiles of a stack, each as a row."""
    n = SIDE // TILE_PX
    return stack.reshape(-1, n, TILE_PX, n, TILE_PX).swapaxes(2, 3).reshape(-1, TILE_PX**2)


def _centred(tiles: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    mean = (tiles * weights).sum(axis=1, keepdims=True) / np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return (tiles - mean) * weights
