"""The settings of segmentation: what is refused, in one sentence each."""

import json

import pytest
from drawn_nodules import segment_content, segment_params
from places import ROOT

from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params
from pipeline.segment.params import SegmentParams


def test_shipped_params_train_nothing():
    params = load_params(ROOT / "params" / "segment.yaml", SegmentParams)

    assert (params.mask_source, params.networks, params.needs_gland) == ("given", (), [])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"networks": ["vnet"]}, r"key 'networks' names vnet, which does not exist; name any of unet, "),
        ({"networks": ["unet", "unet"]}, "key 'networks' names unet twice"),
        ({"networks": [], "mask_source": "predicted"}, "key 'mask_source' has the value predicted, and networks is"),
        ({"input": {"image_size_px": 40}}, r"key 'input.image_size_px' \(40\) must be divisible by 16, since unet"),
        ({"networks": ["encoder_unet"], "input": {"image_size_px": 48}}, r"'input.image_size_px' \(48\) .* by 32"),
        ({"postprocess": {"threshold": 1.0}}, "key 'postprocess.threshold' has the value 1.0"),
    ],
)
def test_what_is_refused_names_file_and_key(change, sentence, tmp_path):
    path = tmp_path / "segment.yaml"
    path.write_text(json.dumps(segment_content(**change)), encoding="utf-8")

    with pytest.raises(ParamsError, match=sentence) as error:
        load_params(path, SegmentParams)

    assert str(error.value).startswith(f"{path}: key '")
    assert "\n" not in str(error.value)


def test_parity_reaches_the_loss_and_gland_networks_are_known():
    params = segment_params(parity=True, networks=["unet", "mtnet", "trfeplus"])

    assert params.loss_params.parity
    assert not segment_params().loss_params.parity
    assert params.needs_gland == ["mtnet", "trfeplus"]
