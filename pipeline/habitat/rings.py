"""Rings along the border of a lesion, outside it or inside, by the distance of each voxel from the border.

What lies beyond the image is not invented: a ring that the image's edge cuts is smaller, and the fraction of it that
the image shows is known. There the true border is unknown too, so that distances are those from the border in sight.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from pipeline.crop.rois import CropParams, margins_px
from pipeline.foundation.errors import ImageError, ParamsError
from pipeline.habitat.params import RingParams

Mask = NDArray[np.bool_]


def ring(mask: Mask, *, inner: float, outer: float, spacing: tuple[float, ...]) -> tuple[Mask, float]:
    """The voxels of a ring, in the shape of `mask`, and the fraction of the whole ring that lies in this frame.

    A voxel outside the lesion has the distance to the nearest lesion voxel, one inside minus the distance to the
    nearest voxel outside (centre to centre, in units of `spacing`). The ring holds inner < distance <= outer outside
    the lesion, and inner <= distance < outer inside it: 0 to 1 and -1 to 0 are the voxels on either side of the border.
    Raises ImageError if the mask fills the frame.
    """
    if mask.all():
        raise ImageError("the mask covers its whole image, so that there is no border for a ring")
    reach = [
        math.ceil(max(outer, 0.0) / step) if side > 1 else 0 for side, step in zip(mask.shape, spacing, strict=True)
    ]
    padded = np.pad(mask, [(pad, pad) for pad in reach])
    outside = distance_transform_edt(~padded, sampling=spacing)
    whole = ~padded & (outside > max(inner, 0.0)) & (outside <= outer)
    frame = tuple(slice(pad, pad + side) for pad, side in zip(reach, mask.shape, strict=True))
    shown, total = whole[frame], int(whole.sum())
    fraction = float(shown.sum() / total) if total else 1.0
    if inner < 0:
        inside = -distance_transform_edt(mask, sampling=spacing)
        shown = shown | (mask & (inside >= inner) & (inside < min(outer, 0.0)))
    return shown, fraction


def check_margin(
    ring_params: tuple[RingParams, ...], *, crop: CropParams, spacing_mm: tuple[float, ...] | None, image_id: str
) -> None:
    """Refuse rings that reach beyond the crop; `spacing_mm` None = unknown, distances are in px.

    At least one voxel of margin shows where the lesion ends. Raises ParamsError that names params/crop.yaml.
    """
    outer = max((one.outer for one in ring_params), default=0.0)
    steps = spacing_mm or (1.0,)
    margins = margins_px(steps, margin_px=crop.margin_px, margin_mm=crop.margin_mm)
    for step, margin in zip(steps, margins, strict=True):
        needed = max(math.ceil(round(outer / step, 6)), 1)
        if margin < needed:
            unit = "px" if spacing_mm is None else "mm"
            raise ParamsError(
                f"params/crop.yaml: the margin is {margin} px in {image_id}, and a ring of params/habitat.yaml reaches "
                f"{outer:g} {unit} from the lesion, which needs {needed} px; raise margin_px or margin_mm"
            )
