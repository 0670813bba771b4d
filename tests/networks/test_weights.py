"""Weights are loaded completely or not at all, and every mismatch is listed."""

import hashlib

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.networks.densenet import DenseNet121, DenseNet121Params
from pipeline.networks.torchvision_import import load_torchvision
from pipeline.networks.weights import (
    WeightsParams,
    file_weights,
    load_weights,
    read_tensors,
    torchvision_weights,
    translated,
    write_tensors,
)


def small():
    """Two layers and a head with one output."""
    net = nn.Module()
    net.first, net.attention, net.fc = nn.Linear(3, 2), nn.Linear(2, 2), nn.Linear(2, 1)
    return net


def test_matching_weights_are_loaded_with_their_head():
    source, target = small(), small()

    assert load_weights(target, source.state_dict(), place="x", head="fc.")
    assert torch.equal(target.fc.weight, source.fc.weight)


def test_a_head_of_another_shape_keeps_its_initial_weights():
    source, target = small(), small()
    source.fc = nn.Linear(2, 1000)
    head = target.fc.weight.clone()

    assert not load_weights(target, source.state_dict(), place="x", head="fc.")
    assert torch.equal(target.fc.weight, head)
    assert torch.equal(target.first.weight, source.first.weight)


def test_mismatch_lists_missing_unexpected_and_shapes():
    given = small().state_dict()
    given["other.weight"] = given.pop("first.weight")
    given["attention.bias"] = torch.zeros(5)
    with pytest.raises(PipelineError) as caught:
        load_weights(small(), given, place="net.safetensors", head="fc.")

    lines = str(caught.value).splitlines()
    assert lines[0] == "net.safetensors: does not fit the network, 1 of 6 weights are missing:"
    assert lines[1:] == [
        "  - missing: first.weight",
        "  - unexpected: other.weight",
        "  - shape of attention.bias is (5,), the network has (2,)",
    ]


def test_new_parts_may_be_missing_and_nothing_else():
    given = {key: value for key, value in small().state_dict().items() if not key.startswith("attention")}
    target = small()
    before = target.attention.weight.clone()
    load_weights(target, given, place="x", head="fc.", new_parts=("attention.",))

    assert torch.equal(target.attention.weight, before)
    with pytest.raises(PipelineError, match=r"missing: attention\.weight"):
        load_weights(small(), given, place="x", head="fc.")


def test_old_densenet_names_are_loaded_completely():
    settings = DenseNet121Params(layer="gap1024", weights={"source": "none"})
    plain = load_torchvision().models.densenet121(num_classes=1000)
    # The file of 2017: dots in the names of the dense layers, no counters.
    old = {
        key.replace("norm1.", "norm.1.")
        .replace("norm2.", "norm.2.")
        .replace("conv1.", "conv.1.")
        .replace("conv2.", "conv.2."): value
        for key, value in plain.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    network = DenseNet121(settings)

    assert not load_weights(network, old, place="densenet121-a639ec97", head="classifier.")
    loaded = network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in plain.features.state_dict(prefix="features.").items())


def test_only_dense_layers_are_translated():
    old = "features.denseblock1.denselayer10.norm.1.running_mean"

    assert translated(old) == "features.denseblock1.denselayer10.norm1.running_mean"
    assert translated("features.norm.1.weight") == "features.norm.1.weight"
    assert translated("layer1.0.conv1.weight") == "layer1.0.conv1.weight"


def test_a_file_must_be_the_stated_one(tmp_path):
    path = tmp_path / "net.safetensors"
    write_tensors(small().state_dict(), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()

    assert set(file_weights(path, sha256=sha256)) == set(small().state_dict())
    with pytest.raises(PipelineError, match="has the SHA-256"):
        file_weights(path, sha256="0" * 64)
    with pytest.raises(PipelineError, match="no such weights file"):
        file_weights(tmp_path / "none.safetensors", sha256=sha256)


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "net.pth"
    torch.save(small().state_dict(), path)
    with pytest.raises(PipelineError, match="not readable as safetensors"):
        read_tensors(path)


def test_written_bytes_depend_on_the_tensors_alone(tmp_path):
    weights = small().state_dict()
    write_tensors(weights, tmp_path / "a.safetensors")
    write_tensors(dict(reversed(weights.items())), tmp_path / "b.safetensors")

    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert torch.equal(read_tensors(tmp_path / "a.safetensors")["fc.weight"], weights["fc.weight"])


def test_channels_last_weights_come_back_equal(tmp_path):
    weight = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    write_tensors({"w": weight}, tmp_path / "w.safetensors")

    assert torch.equal(read_tensors(tmp_path / "w.safetensors")["w"], weight)


def test_unknown_torchvision_name_lists_the_allowed_ones():
    with pytest.raises(ParamsError, match=r"weights\.name \(V9\).*allowed are IMAGENET1K_V1"):
        torchvision_weights("densenet121", "V9")


def test_an_offline_message_names_the_file_and_its_folder(monkeypatch):
    load_torchvision()
    import torchvision.models._api

    def refused(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(torchvision.models._api, "load_state_dict_from_url", refused)
    with pytest.raises(PipelineError, match=r"put densenet121-a639ec97\.pth from https.* into .*checkpoints"):
        torchvision_weights("densenet121", "IMAGENET1K_V1")


@pytest.mark.parametrize(
    "given",
    [
        {"source": "torchvision"},
        {"source": "file", "file": "a.safetensors"},
        {"source": "file", "file": "a.safetensors", "sha256": "abc"},
        {"source": "web"},
    ],
)
def test_incomplete_weights_are_refused(given):
    with pytest.raises(ValidationError):
        WeightsParams.model_validate(given)
