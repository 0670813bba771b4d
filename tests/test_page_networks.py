"""The report's words on networks, from cards as the embed stage writes them."""

from types import SimpleNamespace

import pytest
from house import ROOT
from tiny_study import TINY

from pipeline.embed_cases import _about, _told
from pipeline.embed_params import EmbedParams
from pipeline.embed_plan import Member
from pipeline.page.networks import about, light, network_table
from pipeline.page.parts import Model, _figures
from pipeline.params import load_params
from pipeline.training.state import Training

EMBED = load_params(ROOT / "params" / "embed.yaml", EmbedParams)


def card(net, embed=EMBED, **changes):
    """The parts of a card that say what a network is."""
    recipe = SimpleNamespace
    each = {}
    for member in embed.members_of(net):
        given = recipe(input=embed.input_of(member.name))
        given.input = given.input.model_copy(update={"normalise": "image"})
        each[member.name] = _about(Member(network=member, recipe=given, cohort=None), training=Training())
    own = next(iter(each.values()))
    if len(each) > 1:
        own = {"settings": _told(getattr(embed, net)), "members": each}
    numbers = {"embedding_width": 512, "parameters": 1_000, "epochs_run": 5, "device": "cpu", "n_patients": 42}
    return own | numbers | {"network": net, "strategy": "crossfit", "trained_on": None} | changes


def with_settings(net, **changes):
    return EMBED.model_copy(update={net: getattr(EMBED, net).model_copy(update=changes)})


@pytest.mark.parametrize("net", ["alexnet", "inception3", "resnet50", "vit"])
def test_plain_networks_have_their_source(net):
    assert "(" in about(net, card(net))
    assert not about(net, card(net)).startswith(net)


def test_layers_and_stages_are_named():
    ten = with_settings("densenet121", layer="bottleneck10")
    assert about("densenet121", card("densenet121", ten)).endswith(
        "of which ten outputs of a layer between its pooled features and the logit are taken"
    )
    assert "ResNet-18 with coordinate attention" in about("carnet", card("carnet"))
    assert about("carnet", card("carnet")).endswith("in stages 1, 2, 3, 4")


def test_growth_of_penet_is_spelled_out():
    told = about("penet", card("penet", with_settings("penet", image_size_px=384, train_size_px=300)))

    assert "4 stages with images of 187, 225, 262, 300 px, augmentation at 50% to 100% of its strength" in told
    assert "mixup alpha 0 to 0.2, dropout 0.1 to 0.3" in told


@pytest.mark.parametrize(
    ("combine", "words"),
    [
        ("late", "fitted on training patients that neither has seen"),
        ("mean", "combined: the mean of both probabilities"),
        ("concat", "trained as one network"),
    ],
)
def test_ptcrnet_says_how_it_is_combined(combine, words):
    told = about("ptcrnet", card("ptcrnet", with_settings("ptcrnet", combine=combine)))

    assert words in told
    assert told.startswith("ResNet-18 with coordinate attention")
    assert "EfficientNetV2-S" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "through the same network, joined side by side; a missing view is learned"),
        ({"mode": "two_branch", "fusion": "gated_attention"}, "of its own, joined by gated attention"),
        ({"mode": "early"}, "means nothing in space and is for comparison only; a missing"),
    ],
)
def test_views_say_how_they_are_joined(changes, words):
    told = about("dualview", card("dualview", with_settings("dualview", **changes)))

    assert words in told
    assert told.startswith("the views long and trans of a patient as one sample")
    assert "probability 0.2. Network: DenseNet121" in told


def test_the_table_has_sizes_and_weights_of_all_members():
    embed = with_settings("penet", image_size_px=96)
    given = embed.carnet.weights.model_copy(update={"source": "torchvision", "name": "IMAGENET1K_V1"})
    embed = embed.model_copy(update={"carnet": embed.carnet.model_copy(update={"weights": given})})
    study = SimpleNamespace(
        cards={"ptcrnet": [card("ptcrnet", embed)] * 2, "carnet": [card("carnet", embed)], "none": []}
    )
    table = network_table(study).set_index("network")

    assert table.loc["ptcrnet", "image_px"] == "64, 96"
    assert table.loc["ptcrnet", "weights"] == "torchvision's IMAGENET1K_V1, random"
    assert table.loc["carnet", "weights"] == "torchvision's IMAGENET1K_V1"
    assert table.loc["ptcrnet", ["n_trained", "min_epochs", "parameters"]].tolist() == [2, 5, 1_000]
    assert table.loc["none", "light"] == "unknown"


def test_weights_of_the_backbone_are_those_of_the_views():
    given = EMBED.densenet121.weights.model_copy(update={"source": "file", "file": "a.safetensors"})
    embed = EMBED.model_copy(update={"densenet121": EMBED.densenet121.model_copy(update={"weights": given})})
    study = SimpleNamespace(cards={"dualview": [card("dualview", embed)]})

    assert network_table(study)["weights"].item() == "file a.safetensors"


def test_an_unknown_card_is_told_by_its_name():
    assert about("densenet121", {}).startswith("DenseNet121")
    assert about(TINY.name, {}) == "tiny"


@pytest.mark.parametrize(
    ("name", "own"),
    [("net_head", "own probability"), ("net_head_long", "own probability, view long alone")],
)
def test_heads_are_told_apart(name, own):
    assert Model(feature_set="net", name=name, head=True, role=None, flag="", chosen=True).own == own


@pytest.mark.parametrize(
    ("strategy", "trained_on", "expected"),
    [
        ("crossfit", None, "green"),
        ("crossfit", "unknown", "amber"),
        ("frozen", "other_patients", "green"),
        ("frozen", "unknown", "amber"),
        ("insample", None, "red"),
    ],
)
def test_lights(strategy, trained_on, expected):
    assert light([{"strategy": strategy, "trained_on": trained_on}]) == expected


def models(n_sets, n_heads):
    names = [(f"s{number}", "lr", False) for number in range(n_sets)]
    names += [(f"n{number}", f"n{number}_head", True) for number in range(n_heads)]
    return [Model(feature_set=name, name=model, head=head, chosen=True) for name, model, head in names]


@pytest.mark.parametrize(
    ("n_sets", "n_heads", "lines"), [(6, 2, [8]), (6, 3, [6, 3]), (9, 10, [8, 8]), (9, 0, [8]), (0, 9, [8])]
)
def test_no_figure_has_more_lines_than_can_be_told_apart(n_sets, n_heads, lines):
    assert [len(figure) for figure in _figures(models(n_sets, n_heads))] == lines
