"""network_settings: a network's own section and those of its parts, as the networks themselves name them."""

import json

import pytest
from places import ROOT

from pipeline.embed.params import EmbedParams
from pipeline.foundation.params import load_params, read_yaml
from pipeline.networks.registry import ARCHITECTURES
from pipeline.plan.network_settings import network_settings, sections_of, strategy_of


@pytest.mark.parametrize("net", sorted(ARCHITECTURES))
def test_settings_of_a_network_are_its_own_section_and_its_parts(net):
    path = ROOT / "params" / "embed.yaml"
    network = load_params(path, EmbedParams).network(net)

    assert sections_of(read_yaml(path), net=net) == [net, *(part.name for part in network.parts)]


def test_another_depth_of_carnet_leaves_densenet_and_reaches_ptcrnet():
    before = read_yaml(ROOT / "params" / "embed.yaml")
    after = before | {"carnet": before["carnet"] | {"depth": 50}, "nets": [*before["nets"], "resnet50"]}
    unchanged = {
        net: json.dumps(network_settings(before, net=net)) == json.dumps(network_settings(after, net=net))
        for net in ("carnet", "densenet121", "ptcrnet", "dualview")
    }

    assert unchanged == {"carnet": False, "densenet121": True, "ptcrnet": False, "dualview": True}


def test_a_backbone_has_its_own_entry_and_strategy():
    before = read_yaml(ROOT / "params" / "embed.yaml")
    own = {"model": "resnet18", "strategy": "frozen"}
    content = before | {"backbones": {"mine": own, "other": {"model": "vit_tiny", "strategy": None}}}

    assert network_settings(content, net="mine") == {"mine": own}
    assert [strategy_of(content, net=net) for net in ("mine", "other", "carnet")] == ["frozen", "crossfit", "crossfit"]
