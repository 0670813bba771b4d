"""PE-Net: the published blocks, the logit and the pooled layer against torchvision, and two steps of training."""

import copy

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from pipeline.networks.penet import PeNet, PeNetParams
from pipeline.networks.torchvision_import import load_torchvision

GIVEN = {
    "weights": {"source": "none"},
    "progressive": {"magnitude": (5, 10), "mixup_alpha": (0, 0.2), "dropout": (0.1, 0.3)},
}
SETTINGS = PeNetParams.model_validate(GIVEN)
# Tan and Le, table 4 and the released code: repeats, kernel, stride, expansion, channels in and out, kind of block.
BLOCKS = [
    (2, 3, 1, 1, 24, 24, "fused"),
    (4, 3, 2, 4, 24, 48, "fused"),
    (4, 3, 2, 4, 48, 64, "fused"),
    (6, 3, 2, 4, 64, 128, "squeezed"),
    (9, 3, 1, 6, 128, 160, "squeezed"),
    (15, 3, 2, 6, 160, 256, "squeezed"),
]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def built():
    torch.manual_seed(0)
    return PeNet(SETTINGS).eval()


@pytest.fixture
def net(built):
    return copy.deepcopy(built)


def convolutions(module):
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d)]


def row_of_table(stage):
    """A row of the published table, read from the layers of a stage's first block."""
    layers = convolutions(stage[0])
    spatial = next(layer for layer in layers if layer.kernel_size != (1, 1))
    channels, wide, out = layers[0].in_channels, layers[-1].in_channels, layers[-1].out_channels
    kind = "fused" if spatial.groups == 1 else "squeezed"
    return len(stage), spatial.kernel_size[0], spatial.stride[0], wide / channels, channels, out, kind


def test_blocks_are_the_published_ones(built):
    stem, *stages, head = built.features

    assert [row_of_table(stage) for stage in stages] == BLOCKS
    assert [(c.kernel_size, c.stride, c.out_channels) for c in convolutions(stem)] == [((3, 3), (2, 2), 24)]
    assert [(c.kernel_size, c.out_channels) for c in convolutions(head)] == [((1, 1), 1280)]
    assert all(c.stride == (1, 1) for stage in stages for block in stage[1:] for c in convolutions(block))


def test_squeeze_is_a_quarter_of_the_channels_a_block_takes(built):
    for stage in built.features[4:7]:
        for block in stage:
            assert block.block[2].fc1.out_channels == block.block[0][0].in_channels // 4


def test_number_of_parameters(built):
    # torchvision prints 21,458,488 for 1,000 classes; 999 of them go, with 1,280 weights and a bias each.
    assert sum(parameter.numel() for parameter in built.parameters()) == 21_458_488 - 999 * 1281 == 20_178_769


@pytest.mark.parametrize("size_px", [32, 33, 75])
def test_logit_and_embedding_are_those_of_torchvision(built, size_px):
    plain = load_torchvision().models.efficientnet_v2_s(num_classes=1).eval()
    plain.load_state_dict(built.state_dict(), strict=True)
    hooked = []
    plain.classifier[0].register_forward_hook(lambda _module, given, _output: hooked.append(given[0]))
    x = torch.randn(2, 3, size_px, size_px)
    with torch.no_grad():
        expected = plain(x)
        logits, embeddings = built(x)

    torch.testing.assert_close(logits, expected.squeeze(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(embeddings, hooked[0], atol=1e-5, rtol=1e-5)
    assert embeddings.shape == (2, built.embedding_width) == (2, 1280)


def test_one_image_alone_has_the_embedding_it_has_in_a_batch(built):
    x = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        (logits, embeddings), (alone, own) = built(x), built(x[1:2])

    torch.testing.assert_close(alone, logits[1:2], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(own, embeddings[1:2], atol=1e-5, rtol=1e-5)


def test_dropout_reaches_the_logit_and_not_the_embedding(net):
    x = torch.randn(4, 3, 32, 32)
    with torch.no_grad():
        logits, embeddings = net(x)
        net.classifier.train()[0].p = 0.5
        dropped, same = net(x)

    assert torch.equal(same, embeddings)
    assert not torch.allclose(dropped, logits)


def test_two_steps_update_every_layer(net):
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3)
    torch.manual_seed(1)
    x, truth = torch.randn(2, 3, 32, 32), torch.tensor([0.0, 1.0])
    for _ in range(2):
        logits, embeddings = net(x)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        assert torch.isfinite(loss)
        assert torch.isfinite(embeddings).all()

    for part in ("features.0.0.weight", "features.4.0.block.1.0.weight", "features.7.0.weight", "classifier.1.weight"):
        assert not torch.equal(net.state_dict()[part], before[part]), part


def test_training_size_is_the_last_stage_and_no_larger_than_the_image():
    assert PeNetParams.model_validate(GIVEN | {"train_size_px": 300, "image_size_px": 384}).train_size_px == 300
    assert PeNetParams.model_validate(GIVEN | {"train_size_px": 384, "image_size_px": 384}).train_size_px == 384
    assert (
        PeNetParams.model_validate(GIVEN | {"train_size_px": 400}).train_size_px == 400
    )  # the input's size is unknown
    assert SETTINGS.train_size_px is None
    with pytest.raises(ValidationError, match=r"train_size_px\n.*must be image_size_px \(300\) or less"):
        PeNetParams.model_validate(GIVEN | {"train_size_px": 384, "image_size_px": 300})


@pytest.mark.parametrize("size_px", [31, 1025, 0])
def test_training_size_has_a_range(size_px):
    with pytest.raises(ValidationError, match="train_size_px"):
        PeNetParams.model_validate(GIVEN | {"train_size_px": size_px})
