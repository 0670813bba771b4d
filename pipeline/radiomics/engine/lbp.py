"""Local binary patterns in the voxels of the ROI: scikit-image's in slices, PyRadiomics' on a sphere in volumes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.special import sph_harm_y
from scipy.stats import kurtosis
from skimage.feature import local_binary_pattern
from trimesh.creation import icosphere


@njit(cache=True, nogil=True)
def _uniform(
    image: NDArray[np.float64], where: NDArray[np.int64], steps: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """The uniform pattern of each pixel `where` (2, n); `steps` (2, P) are the offsets of the P neighbours."""
    rows, columns = image.shape
    points = steps.shape[1]
    above = np.empty(points, dtype=np.int64)
    for number in range(where.shape[1]):
        r, c = where[0, number], where[1, number]
        for i in range(points):
            y, x = r + steps[0, i], c + steps[1, i]
            top, left = int(np.floor(y)), int(np.floor(x))
            bottom, right = int(np.ceil(y)), int(np.ceil(x))
            dy, dx = y - top, x - left
            on_top, on_bottom = 0 <= top < rows, 0 <= bottom < rows
            on_left, on_right = 0 <= left < columns, 0 <= right < columns
            # pixels beyond the edge are 0
            upper_left = image[top, left] if on_top and on_left else 0.0
            upper_right = image[top, right] if on_top and on_right else 0.0
            lower_left = image[bottom, left] if on_bottom and on_left else 0.0
            lower_right = image[bottom, right] if on_bottom and on_right else 0.0
            upper = (1 - dx) * upper_left + dx * upper_right
            lower = (1 - dx) * lower_left + dx * lower_right
            above[i] = ((1 - dy) * upper + dy * lower) - image[r, c] >= 0
        changes, ones = 0, above[points - 1]
        for i in range(points - 1):
            changes += above[i] != above[i + 1]
            ones += above[i]
        out[number] = ones if changes <= 2 else points + 1


def pattern_2d(
    image: NDArray[Any], where: NDArray[np.int64], *, radius: float, samples: int, method: str
) -> NDArray[Any]:
    """The local binary pattern of the pixels `where` (2, n) of a slice, as float64 (n,).

    Equal to skimage.feature.local_binary_pattern with P = `samples`, R = `radius` in pixels (Ojala et al., IEEE Trans
    Pattern Anal Mach Intell 2002;24:971); `method` is default, ror, uniform or var.
    """
    if method != "uniform":
        return np.asarray(local_binary_pattern(image, P=samples, R=radius, method=method)[where[0], where[1]])
    angles = 2 * np.pi * np.arange(samples, dtype=np.float64) / samples
    steps = np.round(np.stack([-radius * np.sin(angles), radius * np.cos(angles)]), 5).astype(np.float64)
    out = np.empty(where.shape[1])
    _uniform(np.ascontiguousarray(image, dtype=np.float64), where, steps, out)
    return out


def lbp_2d(
    array: NDArray[Any], where: NDArray[np.int64], *, axis: int, radius: float, samples: int, method: str
) -> NDArray[Any]:
    """The patterns of the voxels `where` (array.ndim, n); a volume is taken slice by slice across `axis`.

    Those of a volume are cast to the number type of its image, as in PyRadiomics.
    """
    if array.ndim == 2:
        return pattern_2d(array, where, radius=radius, samples=samples, method=method)
    order = [axis, *([0, 1, 2][:axis] + [0, 1, 2][axis + 1 :])]
    if axis == 2:
        order = [2, 1, 0]
    turned, places = array.transpose(order), where[order]
    out = np.empty(where.shape[1], dtype=array.dtype)
    for number in np.unique(places[0]):
        chosen = places[0] == number
        pixels = np.ascontiguousarray(places[1:, chosen])
        out[chosen] = pattern_2d(turned[number], pixels, radius=radius, samples=samples, method=method)
    return out


@dataclass(frozen=True)
class _Sphere:
    """Vertices (n, 3) of an icosphere, spherical harmonics at them (n, terms), and the degree of each term."""

    vertices: NDArray[np.float64]
    harmonics: NDArray[np.complex128]
    degrees: NDArray[np.int64]


@lru_cache(maxsize=8)
def _sphere(levels: int, *, radius: float, subdivisions: int) -> _Sphere:
    vertices = np.array(icosphere(subdivisions, radius).vertices)
    polar = np.arccos(np.true_divide(vertices[:, 2], radius))
    azimuth = np.arctan2(vertices[:, 1], vertices[:, 0])
    terms = [(n, m) for n in range(levels) for m in range(-n, n + 1)]
    # PyRadiomics gives the polar angle where scipy expects the azimuth, and the other way round.
    harmonics = np.column_stack([sph_harm_y(n, m, azimuth, polar) for n, m in terms])
    return _Sphere(vertices, harmonics, np.array([n for n, _ in terms]))


def _levels_of_patterns(patterns: NDArray[np.int64], sphere: _Sphere, *, levels: int) -> NDArray[np.float64]:
    """The norm (n, levels) of each degree of the patterns (n, vertices), in PyRadiomics' order of operations."""
    y = sphere.harmonics
    coefficients = np.multiply(patterns[:, :, None], y[None, :, :]).sum(axis=1)
    parts = [
        np.sum(
            np.multiply(coefficients[:, None, sphere.degrees == n], y[None, :, sphere.degrees == n]),
            axis=2,
            keepdims=True,
        )
        for n in range(levels)
    ]
    return np.real(np.sqrt(np.sum(np.concatenate(parts, axis=2) ** 2, axis=1)))


def lbp_3d(
    array: NDArray[Any], where: NDArray[np.int64], *, levels: int, radius: float, subdivisions: int
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """PyRadiomics' name (lbp-3D-m1 …, lbp-3D-k) and the values of the voxels `where` (3, n) of a volume.

    A sphere around each voxel is sampled with cubic splines; its pattern is described by the norms of its spherical
    harmonics (Banerjee et al., ACCV Workshops 2012) and by the kurtosis of its samples. As many patterns are equal,
    each is expanded once.
    """
    sphere = _sphere(levels, radius=radius, subdivisions=subdivisions)
    places = where.T[None, :, :] + sphere.vertices[:, None, :]
    samples = map_coordinates(array, places.T, order=3)
    patterns = np.greater_equal(samples, array[tuple(where)][:, None])
    _, first, index = np.unique(np.packbits(patterns, axis=1), axis=0, return_index=True, return_inverse=True)
    norms = _levels_of_patterns(patterns[first].astype(int), sphere, levels=levels)[index.reshape(-1)]
    for level in range(levels):
        yield f"lbp-3D-m{level + 1}", np.ascontiguousarray(norms[:, level])
    yield "lbp-3D-k", np.real(kurtosis(samples, axis=1))
