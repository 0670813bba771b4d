"""What is refused before anything is trained, and when predicted masks are needed."""

from pathlib import Path

import pytest
from drawn_nodules import segment_params

from pipeline.foundation.errors import ParamsError
from pipeline.segment.pictures import Picture
from pipeline.segment.plan_check import check_plan, masks_needed


def picture(*, lesion=True, gland=False, spacing=(1.0, 1.0)):
    here = Path("mask.nrrd")
    kept = {"lesion": here if lesion else None, "gland": here if gland else None, "spacing_mm": spacing}
    return Picture(image_id="a", patient_id="A", group="A", image=here, **kept)


@pytest.mark.parametrize(
    ("source", "complete", "wanted", "needed"),
    [
        ("given", False, False, False),
        ("given", True, True, True),
        ("predicted", True, False, True),
        ("given_else_predicted", True, False, False),
        ("given_else_predicted", False, False, True),
    ],
)
def test_when_masks_are_needed(source, complete, wanted, needed):
    found = [picture(), picture(lesion=complete)]

    assert masks_needed(segment_params(mask_source=source), pictures=found, wanted=wanted) == needed


def test_a_set_of_predicted_masks_without_a_network_is_one_sentence():
    with pytest.raises(
        ParamsError, match=r"block 'radiomics_predicted', and key 'networks' is empty; name the network"
    ):
        masks_needed(segment_params(networks=[]), pictures=[picture()], wanted=True)


def test_a_network_with_a_gland_prior_needs_glands():
    params = segment_params(networks=["unet", "trfe", "trfeplus"])
    with pytest.raises(ParamsError, match=r"trfe, trfeplus learn the gland too, .* or take unet, which needs none$"):
        check_plan(params, pictures=[picture()], glands=[])

    check_plan(params, pictures=[picture()], glands=[picture(lesion=False, gland=True)])
    check_plan(params, pictures=[picture(), picture(gland=True)], glands=[])
    check_plan(segment_params(), pictures=[picture()], glands=[])


def test_published_metrics_of_a_volume_are_refused():
    volume = picture(spacing=(2.0, 1.0, 1.0))
    with pytest.raises(
        ParamsError, match="key 'parity' is true, and the published metrics are of images; a is a volum"
    ):
        check_plan(segment_params(parity=True), pictures=[picture(), volume], glands=[])

    check_plan(segment_params(parity=True), pictures=[picture(spacing=None)], glands=[])
