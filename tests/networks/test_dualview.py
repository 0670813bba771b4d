"""Networks of two views: what a missing view may change, what it may not, and each fusion of the views by hand."""

import copy
import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import nn

from pipeline.networks.alexnet import AlexNet
from pipeline.networks.carnet import CarNet, CarNetParams
from pipeline.networks.densenet import DenseNet121, DenseNet121Params
from pipeline.networks.dualview import DualView, DualViewParams, GatedAttention, inflate
from pipeline.networks.inception3 import InceptionV3
from pipeline.networks.resnet50 import ResNet50
from pipeline.networks.settings import NetworkParams
from pipeline.networks.vit import VitB16, VitParams

NONE = {"source": "none"}
FUSIONS = ("concat", "mean", "gated_attention")
LATE = list(itertools.product(("siamese_late", "two_branch"), FUSIONS))
ALL = [*LATE, ("early", "concat")]
BOTH, FIRST, SECOND = [True, True], [True, False], [False, True]
CARNET = CarNetParams(depth=18, ca_reduction=32, ca_stages=(1, 2, 3, 4), weights=NONE)


class Tiny(nn.Module):
    embedding_width = 5

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ReLU())
        self.fc = nn.Linear(5, 1)

    def forward(self, x):
        pooled = self.stem(x).mean(dim=(2, 3))
        return self.fc(pooled).squeeze(1), pooled


def settings(mode="siamese_late", fusion="concat", **changes):
    usual = {"views": ("long", "trans"), "backbone": "carnet", "view_dropout": 0.0, "weights": NONE}
    return DualViewParams(**{**usual, "mode": mode, "fusion": fusion, **changes})


def network(mode="siamese_late", fusion="concat", backbone=Tiny, **changes):
    torch.manual_seed(0)
    net = DualView(settings(mode, fusion, **changes), make_backbone=backbone).eval()
    with torch.no_grad():  # so that what replaces a missing view differs from zero
        for name, parameter in net.named_parameters():
            if name.startswith("null"):
                parameter.normal_()
    return net


def grey_images(rows, side=8):
    torch.manual_seed(1)
    return torch.randn(rows, 2, 1, side, side).expand(-1, -1, 3, -1, -1).clone()


def same(output, other):
    for one, two in zip(output, other, strict=True):
        if one is None or two is None:
            assert one is two
        else:
            torch.testing.assert_close(one, two, equal_nan=True)


@pytest.mark.parametrize(("mode", "fusion"), ALL)
def test_pixels_of_a_missing_view_change_nothing_in_inference_or_in_training(mode, fusion):
    x, present = grey_images(6), torch.tensor([BOTH, FIRST, SECOND] * 2)
    garbage = torch.where(present[:, :, None, None, None], x, torch.nan)
    for training in (False, True):
        clean, soiled = (network(mode, fusion).train(training) for _ in range(2))
        same(clean(x, present), soiled(garbage, present))
        for name, value in clean.state_dict().items():  # the statistics of batch norm among them
            assert torch.equal(value, soiled.state_dict()[name]), name


@pytest.mark.parametrize(("mode", "fusion"), ALL)
def test_a_row_depends_on_no_other_row(mode, fusion):
    net, x, present = network(mode, fusion), grey_images(3), torch.tensor([BOTH, FIRST, SECOND])
    together = net(x, present)
    for row in range(3):
        alone = net(x[row : row + 1], present[row : row + 1])
        same(alone, [None if part is None else part[row : row + 1] for part in together])


@pytest.mark.parametrize(("mode", "fusion"), LATE)
def test_each_view_has_its_backbones_logit_and_vector_and_a_missing_one_neither(mode, fusion):
    net, x, present = network(mode, fusion), grey_images(3), torch.tensor([BOTH, FIRST, SECOND])
    logits, embeddings, view_logits, vectors = net(x, present)

    for view in (0, 1):
        own_logits, own_vectors = net.backbones[view if mode == "two_branch" else 0](x[:, view])
        there = present[:, view]
        torch.testing.assert_close(view_logits[there, view], own_logits[there])
        torch.testing.assert_close(vectors[there, view], own_vectors[there])
        assert view_logits[~there, view].isnan().all()
        torch.testing.assert_close(vectors[~there, view], net.null_embeddings[view][None])
    torch.testing.assert_close(logits, net.head(embeddings).squeeze(1))
    joined = {
        "concat": lambda: torch.cat([vectors[:, 0], vectors[:, 1]], dim=1),
        "mean": lambda: (vectors[:, 0] + vectors[:, 1]) / 2,
        "gated_attention": lambda: torch.einsum("nv,nve->ne", net.attention(vectors), vectors),
    }[fusion]()
    torch.testing.assert_close(embeddings, joined)
    assert embeddings.shape == (3, net.embedding_width) == (3, 10 if fusion == "concat" else 5)


def test_shared_backbone_and_mean_are_invariant_to_the_order_of_views():
    net, x, both = network("siamese_late", "mean"), grey_images(4), torch.ones(4, 2, dtype=torch.bool)

    torch.testing.assert_close(net(x.flip(1), both).logits, net(x, both).logits)


def test_two_branches_have_twice_the_backbone_and_differ_from_each_other():
    one, two = network("siamese_late"), network("two_branch")
    count_one, count_two = (sum(p.numel() for p in net.backbones.parameters()) for net in (one, two))

    assert count_two == 2 * count_one
    assert not torch.equal(two.backbones[0].fc.weight, two.backbones[1].fc.weight)


def test_gated_attention_is_that_of_the_paper():
    torch.manual_seed(0)
    attention, vectors = GatedAttention(5), 3 * torch.randn(4, 2, 5)
    u, v, w = attention.gate.weight, attention.signal.weight, attention.score.weight[0]
    scores = [[w @ (torch.tanh(v @ h) * torch.sigmoid(u @ h)) for h in row] for row in vectors]
    expected = torch.stack([torch.stack(row).exp() / torch.stack(row).exp().sum() for row in scores])

    torch.testing.assert_close(attention(vectors), expected)
    torch.testing.assert_close(attention(vectors).sum(dim=1), torch.ones(4))
    assert v.shape == u.shape == (128, 5)


@pytest.mark.parametrize(("mode", "fusion"), ALL)
def test_gradients_reach_every_parameter(mode, fusion):
    net = network(mode, fusion).train()
    out = net(grey_images(6), torch.tensor([BOTH, FIRST, SECOND] * 2))
    loss = out.logits.sum()
    if out.view_logits is not None:
        loss = loss + out.view_logits[~out.view_logits.isnan()].sum()
    loss.backward()

    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    for name, parameter in net.named_parameters():
        if name.startswith("null"):
            assert (parameter.grad.reshape(2, -1) != 0).any(dim=1).all()


@given(rows=st.lists(st.sampled_from([BOTH, FIRST, SECOND]), min_size=1, max_size=9), p=st.floats(0, 0.999))
def test_view_dropout_drops_only_views_that_exist_and_never_the_last(rows, p):
    net, present = network(view_dropout=p), torch.tensor(rows)
    kept = net._kept(present)

    assert not (kept & ~present).any()
    assert kept.any(dim=1).all()


def test_view_dropout_has_its_rate_for_each_view_and_follows_the_seed():
    net, present = network(view_dropout=0.4), torch.ones(40_000, 2, dtype=torch.bool)
    torch.manual_seed(3)
    kept = net._kept(present)
    torch.manual_seed(3)
    # A view is dropped with 0.4, but in half of the cases in which both would be (0.16) it is kept as the last.
    torch.testing.assert_close(1 - kept.double().mean(dim=0), torch.full((2,), 0.32).double(), atol=0.01, rtol=0)
    assert torch.equal(net._kept(present), kept)


@pytest.mark.parametrize(("mode", "fusion"), ALL)
def test_dropped_view_is_fused_as_missing_but_keeps_its_own_logit(mode, fusion):
    net, x, both = network(mode, fusion, view_dropout=0.99), grey_images(8), torch.ones(8, 2, dtype=torch.bool)
    same(net(x, both), network(mode, fusion)(x, both))  # in inference nothing is dropped
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    torch.manual_seed(0)
    kept = net._kept(both)
    torch.manual_seed(0)
    dropping = net(x, both)
    missing = net.eval()(x, kept)

    assert not kept.all()
    same(dropping[:2], missing[:2])
    if mode != "early":
        torch.testing.assert_close(dropping.view_logits, net(x, both).view_logits)
        torch.testing.assert_close(dropping.view_embeddings, missing.view_embeddings)


def test_branch_without_an_image_is_skipped_and_one_with_a_single_image_uses_its_running_statistics():
    net, x = network("two_branch").train(), grey_images(3)
    net(x, torch.tensor([FIRST] * 3))
    out = net(x, torch.tensor([FIRST, FIRST, BOTH]))
    assert [int(branch.stem[1].num_batches_tracked) for branch in net.backbones] == [2, 0]
    torch.testing.assert_close(out.view_logits[2, 1], copy.deepcopy(net.backbones[1]).eval()(x[2:, 1])[0][0])
    assert all(module.training for module in net.modules())


def test_early_equals_the_plain_network_if_the_views_are_equal():
    net = network("early")
    torch.manual_seed(0)
    plain, x = Tiny().eval(), torch.randn(3, 2, 3, 8, 8)  # channels differ, as they do with ImageNet's mean and SD
    logits, embeddings = plain(x[:, 0])
    out = net(x[:, :1].expand(-1, 2, -1, -1, -1), torch.ones(3, 2, dtype=torch.bool))

    torch.testing.assert_close(out.logits, logits)
    torch.testing.assert_close(out.embeddings, embeddings)
    assert out.view_logits is out.view_embeddings is None
    changed = net.backbones[0].stem[0]
    assert (changed.stride, changed.padding, changed.in_channels) == ((2, 2), (1, 1), 6)
    assert torch.equal(changed.bias, plain.stem[0].bias)
    assert set(net.backbones[0].state_dict()) == set(plain.state_dict())


def test_early_uses_both_views_and_a_grey_level_for_a_missing_one():
    net, x, both = network("early"), grey_images(2), torch.ones(2, 2, dtype=torch.bool)
    other, filled = x.clone(), x.clone()
    other[:, 1] = 0
    filled[:, 1] = net.null_greys[1].item()

    assert not torch.allclose(net(x, both).logits, net(other, both).logits)
    same(net(x, torch.tensor([FIRST] * 2)), net(filled, both))


@pytest.mark.parametrize(
    ("build", "side"),
    [
        (lambda: AlexNet(NetworkParams(weights=NONE)), 63),
        (lambda: CarNet(CARNET), 32),
        (lambda: DenseNet121(DenseNet121Params(layer="gap1024", weights=NONE)), 32),
        (lambda: InceptionV3(NetworkParams(weights=NONE)), 75),
        (lambda: ResNet50(NetworkParams(weights=NONE)), 32),
        (lambda: VitB16(VitParams(weights=NONE, image_size_px=32)), 32),
    ],
    ids=["alexnet", "carnet", "densenet121", "inception3", "resnet50", "vit"],
)
def test_every_network_can_take_two_views_as_channels(build, side):
    with torch.device("meta"):  # shapes only
        net = build().eval()
        inflate(net, views=2)
        assert net(torch.empty(2, 6, side, side))[0].shape == (2,)


@pytest.mark.parametrize("backbone", [nn.Linear(3, 1), nn.Conv2d(1, 4, 3)])
def test_early_refuses_a_network_that_does_not_take_three_channels(backbone):
    with pytest.raises(ValueError, match="first convolution takes three channels"):
        inflate(backbone, views=2)


def test_carnet_as_backbone_trains_and_gives_its_own_logits():
    net = network("two_branch", "gated_attention", backbone=lambda: CarNet(CARNET))
    x, present = grey_images(3, side=32), torch.tensor([BOTH, FIRST, BOTH])
    out = net(x, present)
    torch.testing.assert_close(out.view_logits[:, 0], net.backbones[0](x[:, 0])[0], atol=1e-5, rtol=1e-5)
    assert out.view_embeddings.shape == (3, 2, 512)

    out = net.train()(x, present)
    (out.logits.sum() + out.view_logits.nansum()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize(
    ("x", "present", "words"),
    [
        (torch.zeros(2, 3, 3, 8, 8), torch.ones(2, 3, dtype=torch.bool), r"x has the shape .*\(N, 2, 3, S, S\)"),
        (torch.zeros(2, 3, 8, 8), torch.ones(2, 2, dtype=torch.bool), "x has the shape"),
        (torch.zeros(2, 2, 3, 8, 8), torch.ones(2, 2), "present is torch.float32"),
        (torch.zeros(2, 2, 3, 8, 8), torch.ones(1, 2, dtype=torch.bool), r"must be bool, \(2, 2\)"),
        (torch.zeros(3, 2, 3, 8, 8), torch.tensor([[False] * 2, BOTH, [False] * 2]), r"2 rows have no view.*\(0, 2\)"),
    ],
)
def test_wrong_inputs_are_one_sentence(x, present, words):
    with pytest.raises(ValueError, match=words):
        network()(x, present)


@pytest.mark.parametrize(
    "wrong",
    [
        {"views": ("long", "long")},
        {"views": ("long", " ")},
        {"views": ("long", "trans", "other")},
        {"weights": {"source": "torchvision", "name": "IMAGENET1K_V1"}},
        {"view_dropout": 1.0},
        {"auxiliary_weight": 11},
    ],
)
def test_settings_that_are_refused(wrong):
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_settings_that_need_not_be_given():
    given = DualViewParams(views=("a", "b"), backbone="vit", mode="early", fusion="mean", weights=NONE)
    assert (given.view_dropout, given.auxiliary_weight, given.image_size_px) == (0.2, 0.3, None)
