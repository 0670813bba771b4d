"""From a map of echo levels to a B-mode frame: speckle, a beam that widens with depth, log compression.

Fully developed speckle is the envelope of a complex Gaussian field filtered by the point spread function of the
scanner (Wagner et al. 1983, IEEE Trans. Sonics Ultrason. 30:156); its envelope is Rayleigh distributed.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from pipeline.foundation.params import Params

FWHM_PER_SIGMA = 2.3548  # full width at half maximum of a Gaussian
GLAND_GREY = 0.42  # position of tissue at 0 dB on the grey scale, as a fraction
NOISE_DB = -45.0  # electronic noise, so that no region is uniformly black


class SiteParams(Params):
    """One scanner: frame in pixels, depth and resolution in mm, gain and dynamic range in decibels."""

    width_px: int = Field(ge=128, le=1024)
    height_px: int = Field(ge=128, le=1024)
    depth_mm: float = Field(ge=36, le=60)
    gain_db: float = Field(ge=-12, le=12)
    dynamic_range_db: float = Field(ge=40, le=90)
    axial_mm: float = Field(ge=0.1, le=1.5)
    lateral_mm: float = Field(ge=0.1, le=1.5)
    focus_mm: float = Field(ge=5, le=60)

    @property
    def px_per_mm(self) -> float:
        """Pixels per millimetre, along both axes."""
        return self.height_px / self.depth_mm

    @property
    def width_mm(self) -> float:
        """Width of the frame in mm."""
        return self.width_px / self.px_per_mm


def smooth_field(rng: np.random.Generator, shape: tuple[int, int], *, sigma_px: tuple[float, float]) -> NDArray:
    """A random field of mean 0 and SD 1, shape (y, x), correlated over `sigma_px` (y, x)."""
    # A wide kernel is applied on a coarser grid: visually the same field in a fraction of the time.
    steps = [max(1, int(sigma / 2.0)) for sigma in sigma_px]
    coarse = [-(-size // step) + 1 for size, step in zip(shape, steps, strict=True)]
    white = rng.standard_normal(coarse, dtype=np.float32)
    field = gaussian_filter(white, [sigma / step for sigma, step in zip(sigma_px, steps, strict=True)], truncate=3.0)
    for axis, (size, step) in enumerate(zip(shape, steps, strict=True)):
        field = field if step == 1 else _refined(field, size, step, axis=axis)
    field = field[: shape[0], : shape[1]]
    return (field - field.mean()) / field.std()


def _refined(field: NDArray, size: int, step: int, *, axis: int) -> NDArray:
    """Interpolate linearly to `size` points, `step` of them per point of `field`."""
    left, within = np.divmod(np.arange(size), step)
    weight = np.expand_dims((within / step).astype(np.float32), 1 - axis)
    return np.take(field, left, axis=axis) * (1 - weight) + np.take(field, left + 1, axis=axis) * weight


def bmode(level_db: NDArray, site: SiteParams, *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The 8-bit frame, shape (y, x), of scanner `site` from the echo levels `level_db` (0 dB = gland), same shape."""
    amplitude = 10.0 ** (level_db.astype(np.float32) / 20.0)
    in_phase, quadrature = rng.standard_normal((2, *level_db.shape), dtype=np.float32) * amplitude
    envelope = np.hypot(through_beam(in_phase, site), through_beam(quadrature, site)) / np.sqrt(2.0)
    noise = 10.0 ** (NOISE_DB / 20.0) * rng.random(level_db.shape, dtype=np.float32)
    compressed = 20.0 * np.log10(envelope + noise) + site.gain_db
    grey = 255.0 * (compressed / site.dynamic_range_db + GLAND_GREY)
    # Scanners interpolate between scan lines and average slightly, which softens the darkest points.
    return np.clip(np.rint(gaussian_filter(grey, (0.4, 0.6))), 0, 255).astype(np.uint8)


def through_beam(field: NDArray, site: SiteParams) -> NDArray:
    """Blur `field`, shape (y, x), by the beam, which widens below the focus; white noise keeps its variance."""
    axial_px = site.axial_mm * site.px_per_mm / FWHM_PER_SIGMA
    lateral_px = site.lateral_mm * site.px_per_mm / FWHM_PER_SIGMA
    axial = _blurred(field, axial_px, axis=0)
    narrow = _blurred(axial, lateral_px, axis=1)
    wide = _blurred(axial, 2.0 * lateral_px, axis=1)
    depth_mm = np.arange(field.shape[0]) / site.px_per_mm
    widening = np.clip((depth_mm - site.focus_mm) / max(site.depth_mm - site.focus_mm, 1.0), 0.0, 1.0)[:, None]
    # A mixture of two fields loses power; two Gaussians of width ratio 2 have the correlation sqrt(4 / 5).
    power = (1.0 - widening) ** 2 + widening**2 + 2.0 * np.sqrt(0.8) * widening * (1.0 - widening)
    return ((1.0 - widening) * narrow + widening * wide) / np.sqrt(power)


def _blurred(field: NDArray, sigma_px: float, *, axis: int) -> NDArray:
    impulse = np.zeros(65)
    impulse[32] = 1.0
    gain = np.sqrt((gaussian_filter1d(impulse, sigma_px) ** 2).sum())
    return gaussian_filter1d(field, sigma_px, axis=axis) / gain
