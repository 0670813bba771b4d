"""Backbones of timm: built by name, held to timm's own embedding, frozen in parts, their weights loaded whole."""

import numpy as np
import pytest
import torch
from places import ROOT

from pipeline.embed.params import EmbedParams
from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.foundation.fingerprints import file_sha256
from pipeline.foundation.params import read_yaml
from pipeline.networks import timm_backbone
from pipeline.networks.registry import TIMM, Network, build_network, is_fully_trained, is_given
from pipeline.networks.timm_backbone import (
    BackboneParams,
    TimmBackbone,
    bfloat16_effect,
    configuration,
    hub_file,
    load_timm,
    size_of,
    statistics_of,
)
from pipeline.networks.weights import write_tensors

SMALL = ("test_resnet", "test_efficientnet", "test_convnext", "test_vit", "swin_s3_tiny_224")
LITE0 = ROOT.parent / "shared" / "data" / "weights" / "tf_efficientnet_lite0.safetensors"
LITE0_SHA256 = "2b4a5f7e9a1870e2c41efd811c5b04f7e5843b32900a338e3f181204a324f9c6"


def settings(model, *, weights=None, **own):
    return BackboneParams.model_validate({"model": model, "weights": weights or {"source": "none"}, **own})


def network(own):
    return Network(name="mine", architecture=TIMM, settings=own)


def images(own, count=2):
    return torch.rand(count, 3, size_of(own), size_of(own), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("model", SMALL)
def test_the_embedding_is_what_timm_gives_without_its_classifier(model):
    own = settings(model)
    torch.manual_seed(0)
    built = build_network(network(own)).eval()

    with torch.inference_mode():
        logits, embeddings = built(images(own))
        expected = built.backbone(images(own))

    assert torch.equal(embeddings, expected)
    assert embeddings.shape == (2, built.embedding_width)
    assert logits.shape == (2,)


@pytest.mark.parametrize(("model", "has_map"), [("test_resnet", True), ("swin_s3_tiny_224", True), ("test_vit", False)])
def test_a_feature_map_has_channels_first_and_a_vision_transformer_has_none(model, has_map):
    own, seen = settings(model), []
    built = build_network(network(own)).eval()
    built.feature_map.register_forward_hook(lambda *given: seen.append(given[-1].shape))

    built(images(own))

    assert built.has_feature_map == has_map
    if has_map:
        ((count, channels, height, width),) = seen
        assert count == 2
        assert height == width == size_of(own) // 32
        assert channels >= built.embedding_width // 8


def test_a_file_of_weights_is_loaded_whole_without_its_classifier(tmp_path):
    own = settings("test_resnet")
    file = tmp_path / "weights.safetensors"
    torch.manual_seed(3)
    source = load_timm().create_model("test_resnet", pretrained=False)
    write_tensors(source.state_dict(), file)
    own = settings("test_resnet", weights={"source": "file", "file": str(file), "sha256": file_sha256(file)})

    built = build_network(network(own)).eval()

    with torch.inference_mode():
        expected = source.eval().forward_head(source.forward_features(images(own)), pre_logits=True)
        assert torch.equal(built(images(own))[1], expected)
    assert is_given(network(own))
    assert is_fully_trained(network(own))


def test_a_file_of_another_model_is_refused(tmp_path):
    file = tmp_path / "weights.safetensors"
    write_tensors(load_timm().create_model("test_efficientnet", pretrained=False).state_dict(), file)
    own = settings("test_resnet", weights={"source": "file", "file": str(file), "sha256": file_sha256(file)})

    with pytest.raises(PipelineError, match="does not fit the network"):
        build_network(network(own))


def test_positions_of_a_vision_transformer_are_resampled_to_the_size_of_the_images(tmp_path):
    file = tmp_path / "weights.safetensors"
    source = load_timm().create_model("test_vit", pretrained=False)
    write_tensors(source.state_dict(), file)
    weights = {"source": "file", "file": str(file), "sha256": file_sha256(file)}

    same = build_network(network(settings("test_vit", weights=weights)))
    larger = build_network(network(settings("test_vit", weights=weights, image_size_px=224)))

    assert torch.equal(same.backbone.pos_embed, source.pos_embed)
    assert larger.backbone.pos_embed.shape[1] - 1 == (224 // 16) ** 2
    assert larger.backbone.pos_embed.std().item() == pytest.approx(source.pos_embed.std().item(), rel=0.3)


def test_an_unknown_model_is_one_sentence_with_similar_names():
    with pytest.raises(ParamsError, match="no model named convnext_tniy; similar names: convnext_atto"):
        configuration("convnext_tniy")


def test_a_size_that_the_model_cannot_take_is_one_sentence():
    with pytest.raises(ParamsError, match="cannot be used on images of 100 px"):
        build_network(network(settings("test_vit", image_size_px=100)))


def test_size_and_statistics_are_those_of_the_weights():
    own = settings("tf_efficientnet_lite0")

    assert size_of(own) == 224
    assert size_of(settings("tf_efficientnet_lite0", image_size_px=96)) == 96
    assert statistics_of(own) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@pytest.mark.parametrize(
    ("unfreeze", "head_epochs", "trained"),
    [
        ("all", 0, {1: {0, 1, 2, 3, 4, 5}, 2: {0, 1, 2, 3, 4, 5}}),
        ("last_stage", 1, {1: set(), 2: {5}}),
        ("none", 0, {1: set(), 2: set()}),
        ("all", 1, {1: set(), 2: {0, 1, 2, 3, 4, 5}}),
    ],
)
def test_the_head_comes_first_then_what_is_unfrozen(unfreeze, head_epochs, trained):
    torch.manual_seed(0)
    built = TimmBackbone(settings("test_resnet", unfreeze=unfreeze, head_epochs=head_epochs))
    last = max(built._stage_of.values())
    for epoch, stages in trained.items():
        built.begin_epoch(epoch)
        found = {built._stage_of[name] for name, p in built.backbone.named_parameters() if p.requires_grad}
        assert found == (set(range(last + 1)) if len(stages) > 1 else {last} if stages else set())
        assert all(parameter.requires_grad for parameter in built.head.parameters())


def test_what_is_frozen_keeps_its_batch_norms():
    torch.manual_seed(0)
    own = settings("test_resnet", unfreeze="none")
    built = TimmBackbone(own)
    built.begin_epoch(1)
    before = {name: value.clone() for name, value in built.backbone.state_dict().items()}

    built.train()
    built(images(own, count=4))

    assert all(torch.equal(value, before[name]) for name, value in built.backbone.state_dict().items())


def test_the_learning_rate_falls_by_stage_from_the_end():
    built = TimmBackbone(settings("test_resnet", layer_decay=0.5))
    factors = [built.learning_rate_factor(name) for name, _ in built.named_parameters()]

    assert built.learning_rate_factor("head.weight") == 1.0
    assert max(factor for factor in factors if factor < 1) == 0.5
    assert min(factors) == 0.5 ** (max(built._stage_of.values()) + 1)


def test_bfloat16_effect_by_hand():
    one = np.array([[1.0, 0.0], [0.0, 2.0]], dtype=np.float32)

    assert bfloat16_effect(one, 3 * one) == 0.0
    assert bfloat16_effect(one, np.array([[1.0, 1.0], [0.0, 1.0]], dtype=np.float32)) == pytest.approx(1 - 0.5**0.5)


def test_weights_of_the_hub_that_cannot_be_fetched_are_one_sentence(monkeypatch):
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def unreachable(*_, **__):
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    weights = settings(
        "test_resnet",
        weights={"source": "hub", "repository": "timm/x", "revision": "a" * 40, "sha256": "b" * 64},
    ).weights

    with pytest.raises(PipelineError, match=f"resolve/{'a' * 40}/model.safetensors .*source: file"):
        hub_file(weights)


def test_weights_of_the_hub_are_loaded_by_their_hash(monkeypatch, tmp_path):
    file = tmp_path / "model.safetensors"
    write_tensors(load_timm().create_model("test_resnet", pretrained=False).state_dict(), file)
    monkeypatch.setattr(timm_backbone, "hub_file", lambda _: file)
    weights = {"source": "hub", "repository": "timm/x", "revision": "a" * 40, "sha256": file_sha256(file)}
    own = settings("test_resnet", weights=weights)

    assert build_network(network(own)).embedding_width == TimmBackbone(own).embedding_width
    with pytest.raises(PipelineError, match="has the SHA-256"):
        build_network(network(settings("test_resnet", weights=weights | {"sha256": "c" * 64})))


@pytest.mark.parametrize(
    "weights",
    [{"source": "hub", "repository": "timm/x"}, {"source": "file", "file": "x"}, {"source": "torchvision"}],
)
def test_weights_without_their_pin_are_refused(weights):
    with pytest.raises(ValueError, match=r"needs|Input should be"):
        settings("test_resnet", weights=weights)


@pytest.mark.parametrize("name", ["densenet121", "input", "radiomics", "My net", "mine_logit", "mine_head"])
def test_a_name_with_a_meaning_is_refused(name):
    content = read_yaml(ROOT / "params" / "embed.yaml")
    content |= {"backbones": {name: {"model": "test_resnet", "weights": {"source": "none"}}}}

    with pytest.raises(ValueError, match="key 'backbones' has the name"):
        EmbedParams.model_validate(content)


def test_a_backbone_may_be_frozen_beside_networks_that_are_trained():
    content = read_yaml(ROOT / "params" / "embed.yaml")
    own = {
        "model": "test_resnet",
        "weights": {"source": "file", "file": "x.safetensors", "sha256": "a" * 64},
        "strategy": "frozen",
        "trained_on": "other_patients",
    }
    params = EmbedParams.model_validate(content | {"nets": ["densenet121", "mine"], "backbones": {"mine": own}})

    assert [params.strategy_of(net) for net in params.nets] == ["crossfit", "frozen"]
    assert [params.trained_on_of(net) for net in params.nets] == ["unknown", "other_patients"]
    with pytest.raises(ValueError, match="mine would hold randomly initialised"):
        EmbedParams.model_validate(
            content | {"nets": ["mine"], "backbones": {"mine": own | {"weights": {"source": "none"}}}}
        )


@pytest.mark.skipif(not LITE0.exists(), reason="needs the pretrained network of the shared data")
def test_a_real_pretrained_network_gives_timms_embedding():
    from safetensors.torch import load_file

    own = settings("tf_efficientnet_lite0", weights={"source": "file", "file": str(LITE0), "sha256": LITE0_SHA256})
    reference = load_timm().create_model("tf_efficientnet_lite0", pretrained=False)
    reference.load_state_dict(load_file(LITE0))
    built = build_network(network(own)).eval()

    with torch.inference_mode():
        expected = reference.eval().forward_head(reference.forward_features(images(own)), pre_logits=True)
        assert torch.equal(built(images(own))[1], expected)
        assert built.embedding_width == 1280
