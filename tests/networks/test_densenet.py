"""DenseNet121: its two deep layers against torchvision's own forward pass and a hook."""

import pytest
import torch

from pipeline.networks.densenet import DenseNet121, DenseNet121Params
from pipeline.networks.torchvision_import import load_torchvision


def network(layer):
    torch.manual_seed(0)
    return DenseNet121(DenseNet121Params(layer=layer, weights={"source": "none"})).eval()


def test_pooled_layer_and_logit_are_torchvisions():
    net = network("gap1024")
    plain = load_torchvision().models.densenet121(num_classes=1).eval()
    plain.load_state_dict(net.state_dict(), strict=True)
    x = torch.randn(2, 3, 64, 64)
    pooled = []
    plain.classifier.register_forward_hook(lambda _module, given, _output: pooled.append(given[0]))
    expected = plain(x)
    logits, embeddings = net(x)

    torch.testing.assert_close(logits, expected.squeeze(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(embeddings, pooled[0], atol=1e-5, rtol=1e-5)
    assert embeddings.shape == (2, net.embedding_width) == (2, 1024)
    assert (embeddings >= 0).all()


@pytest.mark.parametrize(("size_px", "width"), [(224, 1568), (64, 128)])
def test_flat_layer_is_the_last_convolution(size_px, width):
    net = network("last_conv_flat1568")
    hooked = []
    layer = net.features.denseblock4.denselayer16.conv2
    layer.register_forward_hook(lambda _module, _given, output: hooked.append(output))
    _, embeddings = net(torch.randn(1, 3, size_px, size_px))

    assert embeddings.shape == (1, width)
    assert torch.equal(embeddings, hooked[0].flatten(1))


def test_parameter_count():
    assert sum(p.numel() for p in network("gap1024").parameters()) == 6_953_856 + 1_025


def test_bottleneck_of_ten_is_that_of_the_t4_t11_study():
    net = network("bottleneck10").eval()
    x = torch.randn(2, 3, 32, 32)
    logits, embeddings = net(x)
    pooled = network("gap1024").eval()
    pooled.load_state_dict({k: v for k, v in net.state_dict().items() if k.startswith("features.")}, strict=False)

    assert sum(p.numel() for p in net.parameters()) == 6_964_117  # as published
    assert embeddings.shape == (2, net.embedding_width) == (2, 10)
    assert embeddings.min() < 0  # before the ReLU
    torch.testing.assert_close(embeddings, net.bottleneck(pooled(x)[1]))
    torch.testing.assert_close(logits, net.classifier(embeddings.relu()).squeeze(1))
