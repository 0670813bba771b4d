"""Inception v3: the logit and the pooled layer against torchvision."""

import torch

from pipeline.networks.inception3 import InceptionV3, without_auxiliary_head
from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision


def test_logit_and_embedding_are_those_of_torchvision():
    torch.manual_seed(0)
    net = InceptionV3(NetworkParams(weights={"source": "none"})).eval()
    plain = load_torchvision().models.inception_v3(num_classes=1, aux_logits=False, init_weights=False).eval()
    plain.load_state_dict(net.state_dict(), strict=True)
    hooked = []
    plain.fc.register_forward_hook(lambda _module, given, _output: hooked.append(given[0]))
    x = torch.randn(2, 3, 75, 75)
    with torch.no_grad():
        expected = plain(x)
        logits, embeddings = net(x)

    torch.testing.assert_close(logits, expected.squeeze(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(embeddings, hooked[0], atol=1e-5, rtol=1e-5)
    assert embeddings.shape == (2, net.embedding_width) == (2, 2048)


def test_only_the_auxiliary_head_is_dropped():
    given = {"AuxLogits.fc.weight": torch.zeros(1), "Mixed_5b.branch1x1.conv.weight": torch.zeros(1)}

    assert set(without_auxiliary_head(given, NetworkParams(weights={"source": "none"}))) == {
        "Mixed_5b.branch1x1.conv.weight"
    }
