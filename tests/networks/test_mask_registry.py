"""Every segmentation network: the published number of weights, its outputs, and a gradient in every weight."""

import pytest
import torch

from pipeline.foundation.errors import ParamsError
from pipeline.networks.mask_registry import build_mask_network
from pipeline.networks.params import MASK_NETWORKS, NEEDS_GLAND, MaskNetworkParams, check_size

# At width 64, without the layers that the published code never uses.
PUBLISHED = {
    "unet": 31_043_521,
    "mtnet": 43_235_906,
    "trfe": 43_235_906,
    "trfe1": 43_235_906,
    "trfe2": 44_273_474,
    "trfeplus": 44_913_419,
}
WITH_PRIOR = sorted(NEEDS_GLAND - {"mtnet"})
IMAGES = torch.rand(2, 3, 32, 64, generator=torch.Generator().manual_seed(1))


def network(name, width=4, seed=0):
    torch.manual_seed(seed)
    return build_mask_network(name, params=MaskNetworkParams(width=width, encoder="tu-test_resnet"))


def test_the_names_are_those_of_the_article_and_one_modern_network():
    assert (*PUBLISHED, "encoder_unet") == MASK_NETWORKS


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_number_of_weights(name):
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in network(name, width=64).parameters()) == PUBLISHED[name]


@pytest.mark.parametrize("name", MASK_NETWORKS)
def test_outputs_have_the_side_of_the_images_and_reach_every_weight(name):
    built = network(name)
    output = built(IMAGES)
    sum((one**2).mean() for one in output if one is not None).backward()

    assert output.nodule.shape == (2, 1, 32, 64)
    assert (None if output.gland is None else output.gland.shape) == ((2, 1, 32, 64) if name in NEEDS_GLAND else None)
    assert (None if output.scale is None else output.scale.shape) == ((2,) if name == "trfeplus" else None)
    assert [key for key, p in built.named_parameters() if p.grad is None] == []
    # A bias before a batch norm has a gradient of zero but for rounding; timm's residual blocks start closed.
    kernels = [(key, p) for key, p in built.named_parameters() if p.ndim == 4 and name in PUBLISHED]
    assert [key for key, p in kernels if not p.grad.any()] == []


@pytest.mark.parametrize("name", sorted(NEEDS_GLAND))
def test_the_decoder_of_the_gland_changes_the_nodule_only_in_a_network_with_a_prior(name):
    built = network(name).eval()
    with torch.inference_mode():
        before = built(IMAGES)
        for parameter in built.gland_decoder.parameters():
            parameter.add_(0.5)
        after = built(IMAGES)

    assert not torch.equal(after.gland, before.gland)
    assert torch.equal(after.nodule, before.nodule) == (name not in WITH_PRIOR)


@pytest.mark.parametrize("name", MASK_NETWORKS)
def test_the_order_of_channels_in_memory_changes_rounding_only(name):
    built = network(name).eval()
    with torch.inference_mode():
        expected = built(IMAGES).nodule
        found = built.to(memory_format=torch.channels_last)(IMAGES.contiguous(memory_format=torch.channels_last)).nodule

    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", MASK_NETWORKS)
def test_same_generator_state_gives_the_same_network(name):
    first, again = network(name).state_dict(), network(name).state_dict()

    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], value) for key, value in network(name, seed=1).state_dict().items())


@pytest.mark.parametrize(
    ("name", "size_px", "divisor", "nearest"),
    [("trfe", 120, 16, 128), ("unet", 8, 16, 16), ("encoder_unet", 80, 32, 64)],
)
def test_a_side_that_cannot_be_halved_is_one_sentence(name, size_px, divisor, nearest):
    with pytest.raises(
        ParamsError, match=rf"image_size_px \({size_px}\) .*divisible by {divisor}.* set it to {nearest}$"
    ):
        check_size(name, size_px=size_px)
    check_size(name, size_px=nearest)


def test_an_unknown_network_is_one_sentence():
    with pytest.raises(ParamsError, match="no segmentation network segnet; allowed are unet, mtnet"):
        network("segnet")


@pytest.mark.parametrize("width", [0, 6, 512])
def test_a_width_that_no_network_can_have_is_refused(width):
    with pytest.raises(ValueError, match="width"):
        MaskNetworkParams(width=width)
