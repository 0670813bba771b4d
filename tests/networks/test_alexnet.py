"""AlexNet: the logit and the second hidden layer against torchvision."""

import torch

from pipeline.networks.alexnet import AlexNet
from pipeline.networks.settings import NetworkParams
from pipeline.networks.torchvision_import import load_torchvision


def test_logit_and_embedding_are_those_of_torchvision():
    torch.manual_seed(0)
    net = AlexNet(NetworkParams(weights={"source": "none"})).eval()
    plain = load_torchvision().models.alexnet(num_classes=1).eval()
    plain.load_state_dict(net.state_dict(), strict=True)
    hooked = []
    plain.classifier[6].register_forward_hook(lambda _module, given, _output: hooked.append(given[0]))
    x = torch.randn(2, 3, 63, 63)
    with torch.no_grad():
        expected = plain(x)
        logits, embeddings = net(x)

    torch.testing.assert_close(logits, expected.squeeze(1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(embeddings, hooked[0], atol=1e-5, rtol=1e-5)
    assert embeddings.shape == (2, net.embedding_width) == (2, 4096)
