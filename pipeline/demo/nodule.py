"""A thyroid nodule: from a shape score and a texture score to its contour and its echo levels.

The features are those that radiologists score (TI-RADS): lobulated contour, taller than wide, ill-defined margin;
echogenicity, coarse texture, punctate and coarse calcification, cystic components.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from pipeline.demo.speckle import smooth_field

HARMONICS = np.arange(3, 9)  # harmonics of the contour; 1 and 2 would only shift and stretch the ellipse


@dataclass(frozen=True, kw_only=True)
class Nodule:
    """One nodule in one scan plane; lengths in mm, levels in decibels relative to the gland."""

    half_width_mm: float
    half_height_mm: float
    waves: NDArray[np.float64]  # relative amplitude of the cosine (row 0) and sine (row 1) of each harmonic
    margin_mm: float  # width of the transition from nodule to gland
    echo_db: float
    texture_db: float  # SD of the slow variation of the level
    texture_mm: float  # correlation length of that variation
    spots: NDArray[np.float64]  # calcifications: x, y (fractions of the half axes), radius in mm
    cystic: float  # approximate fraction of the inside that is fluid
    halo_db: float  # depth of the dark rim


def draw_nodule(
    *, shape: float, texture: float, size_mm: float, anatomy: np.random.Generator, frame: np.random.Generator
) -> Nodule:
    """Draw the nodule of a patient: `shape` and `texture` are the latent scores, `size_mm` its largest diameter.

    `anatomy` is the random generator shared by the images of one view, `frame` that of one image.
    """
    # Two planes through one nodule differ, so the scores vary slightly between images.
    irregular = float(expit(shape + frame.normal(0.0, 0.35)))
    coarse = float(expit(texture + frame.normal(0.0, 0.35)))
    tall = np.exp(-0.42 + 0.42 * irregular + anatomy.normal(0.0, 0.08))
    largest = size_mm * np.exp(frame.normal(-0.05, 0.04))
    width, height = (largest, largest * tall) if tall <= 1.0 else (largest / tall, largest)
    phases = anatomy.uniform(0.0, 2.0 * np.pi, HARMONICS.size) + frame.normal(0.0, 0.3, HARMONICS.size)
    strength = (0.010 + 0.085 * irregular) * anatomy.gamma(4.0, 0.25, HARMONICS.size) * np.sqrt(3.0 / HARMONICS)
    n_spots = frame.poisson(5.0 * coarse**2)
    centre = frame.uniform(-0.6, 0.6, (n_spots, 2))
    is_cystic, fluid = anatomy.random() < 0.3 * (1.0 - coarse), float(anatomy.uniform(0.05, 0.2))
    radius = np.where(frame.random(n_spots) < 0.2, frame.uniform(0.5, 0.8, n_spots), frame.uniform(0.2, 0.35, n_spots))
    return Nodule(
        half_width_mm=width / 2.0,
        half_height_mm=height / 2.0,
        waves=strength * np.stack([np.cos(phases), np.sin(phases)]),
        margin_mm=0.12 + 0.75 * irregular,
        echo_db=float(-1.0 - 9.0 * coarse + anatomy.normal(0.0, 1.3)),
        texture_db=0.8 + 3.0 * coarse,
        texture_mm=0.45 + 0.5 * coarse,
        spots=np.column_stack([centre, radius]),
        cystic=fluid if is_cystic else 0.0,
        halo_db=4.0 * (1.0 - irregular),
    )


def contour_distance_mm(nodule: Nodule, x_mm: NDArray, y_mm: NDArray) -> NDArray:
    """Approximate signed distance to the contour in mm, positive inside; x and y relative to the nodule's centre."""
    angle = np.arctan2(y_mm / nodule.half_height_mm, x_mm / nodule.half_width_mm)
    radius = np.hypot(x_mm / nodule.half_width_mm, y_mm / nodule.half_height_mm)
    # The contour is computed once over all angles and interpolated at every pixel.
    angles = np.linspace(-np.pi, np.pi, 721)
    waves = np.outer(angles, HARMONICS)
    edge = np.interp(angle, angles, 1.0 + np.cos(waves) @ nodule.waves[0] + np.sin(waves) @ nodule.waves[1])
    return (edge - radius) * np.sqrt(nodule.half_width_mm * nodule.half_height_mm)


def nodule_levels(
    nodule: Nodule, inside_mm: NDArray, x_mm: NDArray, y_mm: NDArray, *, px_per_mm: float, rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray]:
    """Contribution of a nodule: weight (0 to 1), echo levels in dB, attenuation in dB/mm; all of shape (y, x).

    `inside_mm` is the signed distance to its contour.
    """
    weight = expit(np.clip(4.0 * inside_mm / nodule.margin_mm, -30.0, 30.0))
    sigma_px = nodule.texture_mm * px_per_mm
    levels = nodule.echo_db + nodule.texture_db * smooth_field(
        rng, inside_mm.shape, sigma_px=(sigma_px, 1.3 * sigma_px)
    )
    attenuation = np.full(inside_mm.shape, -0.06 * nodule.echo_db)
    rim = np.exp(-0.5 * ((inside_mm + 0.3) / 0.35) ** 2)
    if nodule.cystic:
        pockets = smooth_field(rng, inside_mm.shape, sigma_px=(1.2 * px_per_mm, 1.2 * px_per_mm))
        depth = np.where(inside_mm > 0.5, pockets, -9.0)
        fluid = expit(8.0 * (depth - np.quantile(pockets[inside_mm > 0.5], 1.0 - nodule.cystic)))
        levels = levels - 22.0 * fluid
        attenuation = attenuation - 0.8 * fluid
    for x, y, radius_mm in nodule.spots:
        dx, dy = x_mm - x * nodule.half_width_mm, y_mm - y * nodule.half_height_mm
        spot = np.exp(-0.5 * (np.hypot(dx, dy) / (0.6 * radius_mm)) ** 2)
        levels = levels + (12.0 - levels) * spot
        # Only a coarse calcification absorbs enough sound to cast a shadow.
        attenuation = attenuation + (8.0 if radius_mm > 0.4 else 0.5) * spot
    return weight, levels - nodule.halo_db * rim, attenuation * weight
