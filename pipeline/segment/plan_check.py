"""Whether a segmentation can be carried out, before hours of training."""

from collections.abc import Sequence

from pipeline.foundation.errors import ParamsError
from pipeline.segment.params import SegmentParams
from pipeline.segment.pictures import Picture

PLACE = "params/segment.yaml"


def masks_needed(params: SegmentParams, *, pictures: Sequence[Picture], wanted: bool) -> bool:
    """Whether later stages use predicted masks: by `mask_source`, or since a feature set names `radiomics_predicted`
    (`wanted`). Raises ParamsError if they are needed and no network is named.
    """
    without = sum(one.lesion is None for one in pictures)
    by_source = params.mask_source == "predicted" or (params.mask_source == "given_else_predicted" and without > 0)
    if wanted and not params.networks:
        raise ParamsError(
            f"{PLACE}: params/fusion.yaml has a set with the block 'radiomics_predicted', and key 'networks' is empty; "
            "name the network that predicts the masks, such as [unet], or remove the block"
        )
    return by_source or wanted


def check_plan(params: SegmentParams, *, pictures: Sequence[Picture], glands: Sequence[Picture]) -> None:
    """Raise ParamsError if a network needs glands and there are none, or the published metrics meet a volume."""
    if params.needs_gland and not glands and all(one.gland is None for one in pictures):
        raise ParamsError(
            f"{PLACE}: {', '.join(params.needs_gland)} learn the gland too, and no image has a mask of it; give masks "
            "in the column gland_mask or a folder in gland.root (with gland.use: true), or take unet, which needs none"
        )
    volumes = [one.image_id for one in pictures if one.spacing_mm is not None and len(one.spacing_mm) == 3]
    if params.parity and volumes:
        raise ParamsError(
            f"{PLACE}: key 'parity' is true, and the published metrics are of images; {volumes[0]} is a volume; set it "
            "to false"
        )
