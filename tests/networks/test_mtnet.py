"""MTNet: two decoders that do not act on each other, and Xavier's initial weights."""

import pytest
import torch

from pipeline.networks.mtnet import MtNet


def test_neither_task_reaches_the_decoder_of_the_other():
    network = MtNet(width=4)
    network(torch.rand(2, 3, 16, 32)).nodule.sum().backward()

    assert all(p.grad is None for p in (*network.gland_decoder.parameters(), *network.gland_head.parameters()))
    assert all(p.grad is not None for p in network.nodule_decoder.parameters())

    network.zero_grad()
    network(torch.rand(2, 3, 16, 32)).gland.sum().backward()

    assert all(p.grad is None for p in (*network.nodule_decoder.parameters(), *network.nodule_head.parameters()))
    assert all(p.grad is not None for p in network.encoder.parameters())


def test_initial_weights_are_xaviers_and_biases_are_zero():
    torch.manual_seed(0)
    network = MtNet(width=16)
    second = network.encoder.levels[1][0]

    assert second.weight.std().item() == pytest.approx((2 / (9 * (16 + 32))) ** 0.5, rel=0.05)
    assert not second.bias.any()
    assert network.nodule_decoder.steps[0].up.bias.any()  # torch's own
