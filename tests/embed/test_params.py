"""params/embed.yaml: combinations of networks, sizes and strategies that cannot work are one sentence each."""

import pytest
from places import ROOT
from ruamel.yaml import YAML

from pipeline.embed.params import EmbedParams, network_of
from pipeline.foundation.errors import ParamsError
from pipeline.foundation.params import load_params

FILE = {"source": "file", "name": "", "file": "a.safetensors", "sha256": "0" * 64}


def params(folder, **changes):
    """The demo's params with some keys changed; `penet__train_size_px` is a key in a section."""
    content = YAML().load((ROOT / "params" / "embed.yaml").read_text(encoding="utf-8"))
    for place, value in changes.items():
        *sections, key = place.split("__")
        found = content
        for section in sections:
            found = found[section]
        assert key in found
        found[key] = value
    with (folder / "embed.yaml").open("w", encoding="utf-8") as file:
        YAML().dump(content, file)
    return load_params(folder / "embed.yaml", EmbedParams)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"nets": ["densenet121", "vgg"]},
            r"key 'nets'.*allowed are alexnet, carnet, densenet121, dualview, inception3, penet, ptcrnet, resnet50, ",
        ),
        ({"nets": ["carnet", "carnet"]}, r"key 'nets'.*each at most once$"),
        ({"strategy": "frozen"}, r"key 'strategy' has the value 'frozen', but densenet121 would hold randomly"),
        (
            {"densenet121__layer": "last_conv_flat1568"},
            r"'input\.image_size_px' has the value 64: .*last_conv_flat1568 needs 224; ",
        ),
        (
            {"nets": ["alexnet"], "input__image_size_px": 32},
            r"'input\.image_size_px' has the value 32: alexnet needs 63 or more",
        ),
        ({"training__epochs": 0}, r"key 'training\.epochs' has the value 0: .*greater than or equal to 1$"),
        (
            {"training__early_stopping__min_events": 9},
            r"key 'training\.early_stopping\.min_events' has the value 9",
        ),
        ({"input__margin_px": -1}, r"key 'input\.margin_px' has the value -1: .*greater than or equal to 0$"),
        (
            {"nets": ["ptcrnet"], "strategy": "insample"},
            r"'ptcrnet\.combine' has the value 'late', which is fitted on training patients .* were not trained on",
        ),
        ({"nets": ["ptcrnet"], "strategy": "frozen"}, r"'strategy' has the value 'frozen', but carnet would hold"),
        ({"nets": ["dualview"], "strategy": "frozen"}, r"but dualview would hold randomly initialised"),
        ({"nets": ["dualview"], "dualview__views": ["long", "long"]}, r"dualview\.views.*two different names"),
        ({"nets": ["dualview"], "dualview__backbone": "ptcrnet"}, r"dualview\.backbone.*'ptcrnet'"),
        (
            {"nets": ["dualview"], "dualview__backbone": "alexnet", "input__image_size_px": 48},
            r"alexnet needs 63 or more; set dualview\.image_size_px$",
        ),
        (
            {"nets": ["dualview"], "dualview__backbone": "vit"},
            r"'dualview\.image_size_px' has the value 64, but vit\.image_size_px is 224$",
        ),
        (
            {"nets": ["dualview"], "dualview__backbone": "penet"},
            r"penet\.progressive\.mixup_alpha would mix patients with and without a view; set it to \[0, 0\]$",
        ),
        (
            {"nets": ["penet"], "penet__train_size_px": 96},
            r"'penet\.train_size_px' has the value 96: the images of penet have 64 px; it must not be larger$",
        ),
        ({"nets": ["penet"], "penet__train_size_px": 40}, r"'penet\.train_size_px' .* is too small: .*25 px"),
        ({"nets": ["penet"], "penet__progressive__dropout": [0.3, 0.1]}, r"penet\.progressive.*dropout"),
        ({"ptcrnet__weights": FILE}, r"ptcrnet.*'file' is not for ptcrnet with combine 'late'"),
        ({"ptcrnet__image_size_px": 64}, r"ptcrnet.*image_size_px is for combine 'concat'"),
        (
            {"nets": ["dualview"], "densenet121__layer": "last_conv_flat1568"},
            r"64: densenet121\.layer last_conv_flat1568 needs 224; set dualview\.image_size_px$",
        ),
        (
            {"training__processes": 4, "training__batch_size": 6},
            r"'training\.batch_size' has the value 6: with training\.processes 4 it needs 8 or more",
        ),
        ({"training__processes": 0}, r"training\.processes.*greater than or equal to 1$"),
    ],
)
def test_what_cannot_work_is_one_sentence(changes, message, tmp_path):
    with pytest.raises(ParamsError, match=message) as caught:
        params(tmp_path, **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"nets": ["ptcrnet"], "strategy": "insample", "ptcrnet__combine": "mean"},
        {"nets": ["ptcrnet"], "ptcrnet__combine": "concat", "ptcrnet__image_size_px": 96, "ptcrnet__weights": FILE},
        {"nets": ["dualview"], "strategy": "frozen", "dualview__weights": FILE},
        {"nets": ["ptcrnet"], "strategy": "frozen", "carnet__weights": FILE, "penet__weights": FILE},
        {"nets": ["dualview"], "dualview__mode": "early", "input__slice_rule": "neighbours"},
        {"nets": ["carnet"], "penet__train_size_px": 40},  # a network that is not used is not checked
    ],
)
def test_what_can_work_is_accepted(changes, tmp_path):
    assert params(tmp_path, **changes)


def test_members_are_trained_separately_unless_they_are_one_network(tmp_path):
    late, joint = params(tmp_path), params(tmp_path, ptcrnet__combine="concat")

    assert [member.name for member in late.members_of("ptcrnet")] == ["carnet", "penet"]
    assert [member.name for member in joint.members_of("ptcrnet")] == ["ptcrnet"]
    assert [part.name for part in joint.network("ptcrnet").parts] == ["carnet", "penet"]
    assert [part.name for part in late.network("dualview").parts] == ["densenet121"]


def test_images_shown_have_the_size_of_the_largest_member(tmp_path):
    found = params(tmp_path, carnet__image_size_px=96, penet__image_size_px=128)

    assert found.shown_input("ptcrnet").image_size_px == 128
    assert found.shown_input("carnet").image_size_px == 96


def test_a_network_that_is_not_listed_is_refused(tmp_path):
    with pytest.raises(ParamsError, match=r"network densenet121 is not among nets \(carnet\)"):
        network_of(params(tmp_path, nets=["carnet"]), "densenet121")


def test_demo_params_are_valid():
    params = load_params(ROOT / "params" / "embed.yaml", EmbedParams)

    assert params.nets == ("densenet121", "carnet")
    assert network_of(params, "carnet").settings is params.carnet
