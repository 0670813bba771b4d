"""tables.networks: what the report states about networks, from cards as the embed stage writes them."""

import dataclasses
import html
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from places import ROOT
from study_folder import write_study
from tiny_study import TINY

from pipeline.contracts.reports.report import NETWORKS
from pipeline.embed.cases import _about, _recorded
from pipeline.embed.params import EmbedParams
from pipeline.embed.work_plan import Member
from pipeline.foundation.params import load_params
from pipeline.foundation.tables import check_table
from pipeline.networks.registry import ARCHITECTURES
from pipeline.report.inputs import read_inputs
from pipeline.report.page.models import Model, _figures
from pipeline.report.page.selected import _meaning
from pipeline.report.params import ReportParams
from pipeline.report.report import make_report
from pipeline.report.tables.networks import about, embedding, light, network_table, network_words, set_lights
from pipeline.training.state import Training

EMBED = load_params(ROOT / "params" / "embed.yaml", EmbedParams)


def card(net, embed=EMBED, **changes):
    """The fields of a card that describe the network."""
    recipe = SimpleNamespace
    each = {}
    for member in embed.members_of(net):
        given = recipe(input=embed.input_of(member.name))
        given.input = given.input.model_copy(update={"normalise": "image"})
        each[member.name] = _about(Member(network=member, recipe=given, cohort=None), training=Training())
    own = next(iter(each.values()))
    if len(each) > 1:
        own = {"settings": _recorded(getattr(embed, net)), "members": each}
        own["members"] = {name: one | {"epochs_run": 5} for name, one in each.items()}
    numbers = {"embedding_width": 512, "parameters": 1_000, "epochs_run": 5, "device": "cpu", "n_patients": 42}
    numbers |= {"training": {"epochs": 5}}
    return own | numbers | {"network": net, "strategy": "crossfit", "trained_on": None} | changes


def study_of(cards, *, embed=None, depths=(1,)):
    rois = pd.DataFrame({"depth_px": list(depths)})
    return SimpleNamespace(cards=cards, params={"embed": embed or {}}, rois=rois)


def with_settings(net, **changes):
    return EMBED.model_copy(update={net: getattr(EMBED, net).model_copy(update=changes)})


@pytest.mark.parametrize(
    ("net", "source", "layer"),
    [
        ("alexnet", "AlexNet (Krizhevsky, arXiv 1404.5997)", "its second hidden layer"),
        ("inception3", "Inception v3 (Szegedy et al., CVPR 2016)", "the average of its last block over the image"),
        ("resnet50", "ResNet-50 (He et al., CVPR 2016)", "the average of its last stage over the image"),
        ("vit", "ViT-B/16 (Dosovitskiy et al., ICLR 2021)", "its class token"),
    ],
)
def test_plain_networks_have_their_source_and_layer(net, source, layer):
    assert (about(net, card(net)), embedding(net, card(net))) == (source, layer)


def test_every_network_has_its_own_description():
    words = {net: (about(net, card(net)), embedding(net, card(net))) for net in ARCHITECTURES}

    assert all(name != net and layer for net, (name, layer) in words.items())
    assert len(set(words.values())) == len(words)


def test_layers_and_stages_are_named():
    ten = card("densenet121", with_settings("densenet121", layer="bottleneck10"))
    one = card("carnet", with_settings("carnet", ca_stages=(3,), depth=50))

    assert embedding("densenet121", ten) == "ten outputs of a layer before the logit"
    assert about("carnet", card("carnet")).startswith("ResNet-18 (He et al., CVPR 2016) with coordinate attention")
    assert about("carnet", card("carnet")).endswith("in stages 1, 2, 3, 4")
    assert about("carnet", one).startswith("ResNet-50")
    assert about("carnet", one).endswith("in stage 3")


def test_schedule_of_penet_is_spelled_out():
    text = about("penet", card("penet", with_settings("penet", image_size_px=384, train_size_px=300)))

    assert "4 stages with images of 187, 225, 262, 300 px (and used at 384 px)" in text
    assert "augmentation at 50 to 100 % of its strength, mixup with alpha 0 to 0.2, dropout 0.1 to 0.3" in text


def test_one_stage_is_the_last_one():
    single = EMBED.penet.progressive.model_copy(update={"stages": 1})
    text = about("penet", card("penet", with_settings("penet", progressive=single)))

    assert "trained in 1 stage with images of 64 px, augmentation at 100 % of its strength" in text
    assert text.endswith("mixup with alpha 0.2, dropout 0.3")


@pytest.mark.parametrize(
    ("combine", "words"),
    [
        ("late", "logistic regression of both logits, fitted on training patients that neither was trained on"),
        ("mean", "Their probability is the mean of both"),
        ("concat", "carnet and penet, as one network with one logit of both embeddings, trained in 4 stages"),
    ],
)
def test_ptcrnet_says_how_it_is_combined(combine, words):
    own = card("ptcrnet", with_settings("ptcrnet", combine=combine))
    text = about("ptcrnet", own)

    assert words in text
    assert "carnet: ResNet-18" in text
    assert "penet: EfficientNetV2-S" in text
    assert text.count("trained in 4 stages") == 1
    assert embedding("ptcrnet", own) == "the embeddings of both, side by side"


@pytest.mark.parametrize(
    ("changes", "words", "layer"),
    [
        ({}, "both views go through the same network; a missing view is replaced by a learned vector", "side by side"),
        ({"fusion": "mean"}, "both views go through the same network", "the two averaged"),
        ({"mode": "two_branch", "fusion": "gated_attention"}, "through a network of its own", "gated attention"),
        ({"mode": "early"}, "means nothing in space and is for comparison only; a missing view", "over the image"),
    ],
)
def test_fusion_of_the_views_is_described(changes, words, layer):
    own = card("dualview", with_settings("dualview", **changes))
    text = about("dualview", own)

    assert text.startswith(
        "DenseNet121 (Huang et al., CVPR 2017), for two views of a patient as one sample (long and trans)"
    )
    assert words in text
    assert "dropped with probability 0.2" in text
    assert ("each view's own logit counts 0.3" in text) == (changes.get("mode") != "early")
    assert layer in embedding("dualview", own)


@pytest.mark.parametrize("net", ["penet", "ptcrnet", "dualview"])
def test_given_weights_are_not_described_as_trained(net):
    text = about(net, card(net, strategy="frozen"))

    assert not any(word in text for word in ("trained", "training", "fitted", "probability"))


def test_the_table_has_sizes_and_weights_of_all_members():
    embed = with_settings("penet", image_size_px=96)
    given = embed.carnet.weights.model_copy(update={"source": "torchvision", "name": "IMAGENET1K_V1"})
    embed = embed.model_copy(update={"carnet": embed.carnet.model_copy(update={"weights": given})})
    cards = {"ptcrnet": [card("ptcrnet", embed)] * 2, "carnet": [card("carnet", embed)], "none": []}
    table = network_table(study_of(cards)).set_index("network")

    check_table(table.reset_index(), NETWORKS, place="networks")
    assert table.loc["ptcrnet", "image_px"] == "carnet 64; penet 96"
    assert table.loc["ptcrnet", "weights"] == "carnet torchvision's IMAGENET1K_V1, the attention random; penet random"
    assert table.loc["carnet", "weights"] == "torchvision's IMAGENET1K_V1, the attention random"
    assert table.loc["ptcrnet", ["n_trained", "parameters", "n_networks"]].tolist() == [2, 1_000, 4]
    assert table.loc["none", ["light", "about", "weights"]].tolist() == ["unknown", "none", ""]


def test_trainings_that_stopped_early_are_counted():
    runs = [(3, 20), (5, 20), (5, 0)]  # epochs run of 5, patients held out
    cards = [card("carnet", epochs_run=run, n_validation_patients=held) for run, held in runs]
    row = network_table(study_of({"carnet": cards})).iloc[0]

    assert row[["n_networks", "n_watched", "n_stopped"]].tolist() == [3, 2, 1]
    assert row[["min_epochs", "max_epochs"]].tolist() == [3, 5]


@pytest.mark.parametrize(
    ("devices", "depths", "on_gpu", "has_volumes"),
    [(["cpu", "cpu"], [1, 1], False, False), (["cpu", "NVIDIA H200"], [1, 9], True, True)],
)
def test_what_all_networks_share(devices, depths, on_gpu, has_volumes):
    cards = {"carnet": [card("carnet", device=device) for device in devices]}
    strengths = {"scale": 0, "rotation_deg": 10, "noise_sd": 0.0}
    found = network_words(study_of(cards, embed={"augmentation": strengths}, depths=depths))

    assert found == {
        "changes": [("rotation_deg", "rotation up to", "°")],
        "has_volumes": has_volumes,
        "on_gpu": on_gpu,
    }


def test_weights_of_the_backbone_are_those_of_the_views():
    given = EMBED.densenet121.weights.model_copy(update={"source": "file", "file": "a.safetensors", "sha256": "e" * 64})
    embed = EMBED.model_copy(update={"densenet121": EMBED.densenet121.model_copy(update={"weights": given})})
    table = network_table(study_of({"dualview": [card("dualview", embed)]}))

    assert table["weights"].item() == f"file a.safetensors, SHA-256 {'e' * 12}"


def test_an_unknown_card_is_described_by_its_name():
    assert about("densenet121", {}).startswith("DenseNet121")
    assert about(TINY.name, {}) == "tiny"


@pytest.mark.parametrize(
    ("name", "own", "label"),
    [
        ("net_head", "head probability", "net, head probability"),
        ("net_head_long", "head probability, view long alone", "net, view long alone"),
        ("net_head_long_axis", "head probability, view long_axis alone", "net, view long_axis alone"),
    ],
)
def test_heads_have_distinct_names(name, own, label):
    head = Model(feature_set="net", name=name, head=True)

    assert (head.own, head.label) == (own, label)


TRAINING = {
    "optimiser": ("sgd", "SGD with Nesterov momentum with learning rate 0.001"),
    "schedule": ("step", "epochs of warm-up: 1; then multiplied by 0.1 every 10 epochs"),
    "loss": ("focal", "focal loss with gamma 2"),
    "gradient_clip_norm": (1.5, "gradients clipped at norm 1.5"),
    "ema_decay": (0.99, "an exponential moving average of the weights with decay 0.99 was used"),
    "precision": ("bfloat16", "precision bfloat16"),
    "processes": (2, "every batch was shared by 2 processes, each with its own batch normalisation"),
}
SHARED = ("AdamW with learning rate 0.001", "then a cosine to zero", "cross-entropy, class weights balanced.")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return read_inputs(write_study(tmp_path_factory.mktemp("study")))


def methods(small, *, training=None, embed=None, cards=None, **changes):
    """The methods' text on networks, with these cards and params."""
    given = small.params["embed"]
    given = given | {"training": given["training"] | (training or {})} | (embed or {})
    cards = cards or {"densenet121": [card("densenet121", **changes)]}
    study = dataclasses.replace(small, cards=cards, params=small.params | {"embed": given})
    page = make_report(study, params=load_params(ROOT / "params" / "report.yaml", ReportParams)).page
    section = page[page.index("<h3>Networks</h3>") : page.index("<h3>Reduction")]
    return html.unescape(re.sub(r"<[^>]+>", "", section))


def test_the_methods_state_what_was_used(small):
    text = methods(small)

    assert "densenet121: DenseNet121 (Huang et al., CVPR 2017). Input: 64 pixels per side. It has 1,000" in text
    assert "1,000 weights, all of them trained; initial weights: random. Embedding: the average" in text
    assert "Embedding: the average of its last block over the image, 512 values." in text
    assert "rotation up to 10°, " in text
    assert all(words in text for words in SHARED)
    assert "the same numbers again, byte for byte" in text
    assert not any(words in text for _, words in TRAINING.values())


def test_the_methods_state_changed_settings(small):
    stop = small.params["embed"]["training"]["early_stopping"] | {"enabled": True}
    training = {key: value for key, (value, _) in TRAINING.items()} | {"early_stopping": stop}
    text = methods(small, training=training, device="NVIDIA H200", epochs_run=3, n_validation_patients=9)

    assert all(words in text for _, words in TRAINING.values())
    assert not any(words in text for words in SHARED)
    assert "Training runs: 1; with patients held out for early stopping: 1; stopped before the last epoch: 1; " in text
    assert "at most 5 epochs" in text
    assert "computed on a GPU (NVIDIA H200) from a fixed seed" in text


def test_the_methods_of_given_weights_name_no_training(small):
    text = methods(small, strategy="frozen", trained_on="other_patients")

    assert "It has 1,000 weights; initial weights: random." in text
    assert "the weights were given and not trained here; they were trained on: other_patients." in text
    assert not any(words in text for words in ("learning rate", "augmented at random", "all of them trained"))


def test_a_frozen_network_beside_a_trained_one_is_not_called_trained(small):
    cards = {"densenet121": [card("densenet121")], "carnet": [card("carnet", strategy="frozen", trained_on="unknown")]}
    text = methods(small, cards=cards)

    assert "carnet: ResNet-18" in text
    assert text.count("all of them trained") == 1
    assert "densenet121: in every resample" in text
    assert "carnet: the weights were given and not trained here; they were trained on: unknown." in text


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


def test_a_logit_is_named_in_the_methods_and_has_a_meaning(small):
    sets = small.params["fusion"]["sets"]
    name = small.sets[-1]
    sets = sets | {name: ["clinical", "densenet121_logit"]}
    study = dataclasses.replace(small, params=small.params | {"fusion": {"sets": sets}})
    page = make_report(study, params=load_params(ROOT / "params" / "report.yaml", ReportParams)).page
    meaning = _meaning(small.dictionary)

    assert "The logit of a network enters unchanged as a feature (densenet121);" in re.sub(r"<[^>]+>", "", page)
    assert meaning("densenet121_logit@long") == "log-odds of the event by the head of densenet121; view long"
    assert meaning("missing") == "whether there is no such image"


def test_a_set_with_a_logit_has_the_light_of_its_network(small):
    cards = {"densenet121": [card("densenet121", strategy="insample")]}
    sets = {"clinical": ["clinical"], "score": ["clinical", "densenet121_logit"]}
    study = dataclasses.replace(small, cards=cards, params=small.params | {"fusion": {"sets": sets}})

    assert set_lights(study) == {"score": "red"}


def models(n_sets, n_heads):
    names = [(f"s{number}", "lr", False) for number in range(n_sets)]
    names += [(f"n{number}", f"n{number}_head", True) for number in range(n_heads)]
    return [Model(feature_set=name, name=model, head=head, chosen=True) for name, model, head in names]


@pytest.mark.parametrize(
    ("n_sets", "n_heads", "lines"), [(6, 2, [8]), (6, 3, [6, 3]), (9, 10, [8, 8]), (9, 0, [8]), (0, 9, [8])]
)
def test_no_figure_has_more_lines_than_can_be_distinguished(n_sets, n_heads, lines):
    assert [len(figure) for figure in _figures(models(n_sets, n_heads))] == lines
