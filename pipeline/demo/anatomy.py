"""A neck in the scan plane: skin, fat, strap muscles, thyroid gland, trachea, carotid artery, and one nodule.

Everything is a map of echo levels in decibels on the pixel grid of a scanner, 0 dB = the gland, plus the masks.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d
from scipy.special import expit

from pipeline.demo.nodule import Nodule, contour_distance_mm, nodule_levels
from pipeline.demo.speckle import SiteParams, smooth_field

View = Literal["long", "trans"]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The scanned plane: echo levels in dB, masks of nodule and gland (nodule included), all of shape (y, x)."""

    level_db: NDArray
    nodule: NDArray[np.bool_]
    gland: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Layout of the scan plane, in mm from the top left corner of the frame."""

    fat_mm: float  # depth where the strap muscles begin
    gland_top_mm: float
    gland_height_mm: float
    gland_width_mm: float
    centre_x_mm: float  # of the gland
    nodule_x_mm: float
    nodule_y_mm: float
    taper: float  # decrease of the gland's height from its middle to one pole, as a fraction
    side: float  # +1 trachea on the right of the image, -1 on the left


def draw_plan(nodule: Nodule, view: View, site: SiteParams, *, rng: np.random.Generator) -> Plan:
    """Lay out a neck in which the nodule lies well inside the gland and the gland inside the frame."""
    width, height = 2.0 * nodule.half_width_mm, 2.0 * nodule.half_height_mm
    fat = rng.uniform(2.5, 4.5)
    top = fat + rng.uniform(2.5, 4.0)
    gland_height = max(height + rng.uniform(4.0, 6.5), 14.0)
    spread = rng.uniform(20.0, 40.0) if view == "long" else rng.uniform(7.0, 11.0)
    gland_width = max(width + spread, 20.0)
    side = 1.0 if rng.random() < 0.5 else -1.0
    lean = rng.uniform(-3.0, 3.0) if view == "long" else -side * rng.uniform(1.0, 3.0)
    centre = site.width_mm / 2.0 + lean
    slack_x = 0.18 * (gland_width - width)
    return Plan(
        fat_mm=fat,
        gland_top_mm=top,
        gland_height_mm=gland_height,
        gland_width_mm=gland_width,
        centre_x_mm=centre,
        nodule_x_mm=centre + rng.uniform(-slack_x, slack_x),
        nodule_y_mm=top + gland_height / 2.0 + rng.uniform(-0.5, 0.5),
        taper=rng.uniform(-0.25, 0.25),
        side=side,
    )


def draw_scene(nodule: Nodule, view: View, site: SiteParams, *, plan: Plan, rng: np.random.Generator) -> Scene:
    """Compose one scan plane on the grid of `site`; `rng` is the random generator of this image alone."""
    scale = site.px_per_mm
    y, x = np.mgrid[0 : site.height_px, 0 : site.width_px].astype(np.float32) / scale
    bend = _bend_mm(x, rng=rng)
    level = _layers(y + bend, plan, scale, rng=rng)
    attenuation = np.zeros_like(level)
    gland_mm = _gland_distance_mm(x, y + bend, plan, view)
    x0, y0 = x - plan.nodule_x_mm, y - plan.nodule_y_mm
    inside_mm = contour_distance_mm(nodule, x0, y0)
    # A nodule near the capsule bulges it: the gland contains its nodule and a rim of tissue.
    gland_mm = np.maximum(gland_mm, inside_mm + 1.0)
    if view == "trans":
        level, attenuation = _neighbours(level, attenuation, x, y, plan, rng=rng)
    level = _gland(level, gland_mm, scale, rng=rng)
    attenuation = np.where(gland_mm > 0, 0.0, attenuation)
    weight, levels, lost = nodule_levels(nodule, inside_mm, x0, y0, px_per_mm=scale, rng=rng)
    level = level * (1.0 - weight) + levels * weight
    shadow = np.cumsum(attenuation + lost, axis=0) / scale
    level = level - np.clip(gaussian_filter1d(shadow, 0.15 * scale, axis=1), -6.0, 30.0) + _window(x, y, site, rng=rng)
    return Scene(level_db=level, nodule=inside_mm > 0, gland=gland_mm > 0)


def _bend_mm(x_mm: NDArray, *, rng: np.random.Generator) -> NDArray:
    """Vertical displacement of the layers along the frame, in mm: a tilt and one slow wave."""
    tilt, height, phase = rng.normal(0.0, 0.02), rng.uniform(0.2, 0.9), rng.uniform(0.0, 2.0 * np.pi)
    middle = x_mm - x_mm.max() / 2.0
    return tilt * middle + height * np.sin(2.0 * np.pi * middle / rng.uniform(35.0, 70.0) + phase)


def _layers(depth_mm: NDArray, plan: Plan, px_per_mm: float, *, rng: np.random.Generator) -> NDArray:
    """Skin, fat, strap muscles and the muscle behind the gland, streaked with fibres, with bright fasciae between."""
    fibres = smooth_field(rng, depth_mm.shape, sigma_px=(0.16 * px_per_mm, 2.5 * px_per_mm))
    coarse = smooth_field(rng, depth_mm.shape, sigma_px=(0.45 * px_per_mm, 2.0 * px_per_mm))
    behind_mm = plan.gland_top_mm + plan.gland_height_mm
    level = np.full(depth_mm.shape, 5.0)
    for begins_mm, tissue in (
        (1.3, -9.0 + 7.0 * np.clip(coarse, 0.0, None)),
        (plan.fat_mm, -11.0 + 5.0 * np.clip(fibres, -0.5, None)),
        (plan.gland_top_mm + 0.25 * plan.gland_height_mm, -5.0 + 5.0 * coarse),
        (behind_mm, -10.0 + 5.0 * np.clip(fibres + 0.5 * coarse, -1.0, None)),
    ):
        step = expit(np.clip((depth_mm - begins_mm) / 0.08, -30.0, 30.0))
        level = level * (1.0 - step) + tissue * step
    for line_mm, height_db in (
        (1.3, 9.0),
        (plan.fat_mm, 17.0),
        (plan.gland_top_mm - 1.0, 13.0),
        (behind_mm + 0.9, 15.0),
    ):
        level = level + (height_db + 5.0 * coarse) * np.exp(-0.5 * ((depth_mm - line_mm) / 0.3) ** 2)
    return level


def _gland_distance_mm(x_mm: NDArray, depth_mm: NDArray, plan: Plan, view: View) -> NDArray:
    """Signed distance to the capsule of the gland in mm, positive inside: a superellipse with one thinner pole."""
    power = 2.6 if view == "long" else 2.2
    across = (x_mm - plan.centre_x_mm) / (plan.gland_width_mm / 2.0)
    # One pole is thinner than the other.
    half_mm = plan.gland_height_mm / 2.0 * (1.0 - plan.taper * across)
    down = np.abs(depth_mm - plan.gland_top_mm - plan.gland_height_mm / 2.0) / half_mm
    across = np.abs(across)
    return (1.0 - (across**power + down**power) ** (1.0 / power)) * plan.gland_height_mm / 2.0


def _gland(level: NDArray, inside_mm: NDArray, px_per_mm: float, *, rng: np.random.Generator) -> NDArray:
    """Lay the gland over `level`: homogeneous tissue at 0 dB, capsule bright where the beam is perpendicular to it."""
    weight = expit(np.clip(inside_mm / 0.15, -30.0, 30.0))
    tissue = 0.9 * smooth_field(rng, level.shape, sigma_px=(2.0 * px_per_mm, 3.0 * px_per_mm))
    down, across = np.gradient(gaussian_filter(inside_mm, 0.5 * px_per_mm))
    perpendicular = np.abs(down) / (np.hypot(down, across) + 1e-6)
    patchy = 1.0 + 0.4 * smooth_field(rng, level.shape, sigma_px=(px_per_mm, 2.0 * px_per_mm))
    capsule = 10.0 * patchy * perpendicular**4 * np.exp(-0.5 * ((inside_mm + 0.2) / 0.3) ** 2)
    return level * (1.0 - weight) + tissue * weight + capsule


def _neighbours(
    level: NDArray, attenuation: NDArray, x_mm: NDArray, y_mm: NDArray, plan: Plan, *, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """The trachea (bright wall, then shadow) beside the gland, and the carotid artery (dark) on its other side."""
    reach = plan.gland_width_mm / 2.0
    radius = rng.uniform(7.0, 9.0)
    trachea_x = plan.centre_x_mm + plan.side * (reach + 0.55 * radius)
    inside = radius - np.hypot(x_mm - trachea_x, y_mm - plan.gland_top_mm - radius - 2.5)
    wall = np.exp(-0.5 * (inside / 0.35) ** 2) * (y_mm < plan.gland_top_mm + radius + 2.5)
    # Reverberation in air: fading copies of the wall inside the shadow.
    echoes = 6.0 * np.cos(2.0 * np.pi * inside / rng.uniform(1.6, 2.4)) * np.exp(-np.clip(inside, 0.0, None) / 3.0)
    level = np.where(inside > 0, -9.0 + echoes, level) + 14.0 * wall
    attenuation = attenuation + np.where(inside > 0, 1.6, 0.0)
    vessel = rng.uniform(2.4, 4.0)
    vessel_x = plan.centre_x_mm - plan.side * (reach + 0.75 * vessel)
    inside = vessel - np.hypot(x_mm - vessel_x, y_mm - plan.gland_top_mm - 0.55 * plan.gland_height_mm)
    level = np.where(inside > 0, -24.0, level) + 8.0 * np.exp(-0.5 * ((inside + 0.1) / 0.3) ** 2)
    return level, attenuation + np.where(inside > 0, -0.6, 0.0)


def _window(x_mm: NDArray, y_mm: NDArray, site: SiteParams, *, rng: np.random.Generator) -> NDArray:
    """Level in dB lost or gained at the probe: deep fall-off not corrected by the gain curve, uneven contact."""
    fall_off = -rng.uniform(0.5, 0.9) * np.clip(y_mm - 24.0, 0.0, None)
    contact = gaussian_filter1d(rng.standard_normal(site.width_px), 0.12 * site.width_px)
    edge_mm = np.minimum(x_mm, site.width_mm - x_mm)
    return fall_off + 1.2 * contact / contact.std() - 6.0 * np.exp(-edge_mm / 1.5)
