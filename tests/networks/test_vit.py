"""ViT-B/16: the logit and the class token against torchvision, and weights of another size."""

import pytest
import torch
from pydantic import ValidationError

from pipeline.networks.torchvision_import import load_torchvision
from pipeline.networks.vit import POSITIONS, VitB16, VitParams, resized_positions


def test_logit_and_embedding_are_those_of_torchvision():
    torch.manual_seed(0)
    net = VitB16(VitParams(weights={"source": "none"}, image_size_px=32)).eval()
    plain = load_torchvision().models.vit_b_16(num_classes=1, image_size=32).eval()
    plain.load_state_dict(net.state_dict(), strict=True)
    hooked = []
    plain.heads.register_forward_hook(lambda _module, given, _output: hooked.append(given[0]))
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        expected = plain(x)
        logits, embeddings = net(x)

    torch.testing.assert_close(logits, expected.squeeze(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(embeddings, hooked[0], atol=1e-5, rtol=1e-5)
    assert embeddings.shape == (2, net.embedding_width) == (2, 768)


def test_positions_follow_the_size_of_the_image():
    settings = VitParams(weights={"source": "none"}, image_size_px=64)
    same = {POSITIONS: torch.randn(1, 17, 8)}
    assert resized_positions(same, settings) == same

    resized = resized_positions({POSITIONS: torch.ones(1, 5, 8)}, settings)[POSITIONS]
    assert resized.shape == (1, 17, 8)
    torch.testing.assert_close(resized, torch.ones(1, 17, 8))


@pytest.mark.parametrize("size", [None, 100])
def test_a_size_that_is_no_multiple_of_the_patch_is_refused(size):
    with pytest.raises(ValidationError, match="must be a multiple of 16"):
        VitParams(weights={"source": "none"}, image_size_px=size)
