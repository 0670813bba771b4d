"""U-Net with a pretrained encoder: the library's network, weights loaded whole from a file, nothing downloaded."""

import pytest
import torch
from places import ROOT

from pipeline.foundation.errors import ParamsError, PipelineError
from pipeline.foundation.fingerprints import file_sha256
from pipeline.networks.encoder_unet import EncoderUNet, load_smp, statistics_of_encoder
from pipeline.networks.inputs import IMAGENET
from pipeline.networks.params import EncoderWeights
from pipeline.networks.timm_backbone import load_timm
from pipeline.networks.torchvision_import import load_torchvision
from pipeline.networks.weights import write_tensors

NONE = EncoderWeights(source="none")
LITE0 = ROOT.parent / "shared" / "data" / "weights" / "tf_efficientnet_lite0.safetensors"
LITE0_SHA256 = "2b4a5f7e9a1870e2c41efd811c5b04f7e5843b32900a338e3f181204a324f9c6"


def of_file(path, sha256=None):
    return EncoderWeights(source="file", file=str(path), sha256=sha256 or file_sha256(path))


def test_it_is_the_librarys_network():
    torch.manual_seed(0)
    found = EncoderUNet(encoder="resnet18", weights=NONE).eval()
    torch.manual_seed(0)
    expected = load_smp().Unet("resnet18", encoder_weights=None).eval()
    x = torch.rand(1, 3, 32, 64)

    assert torch.equal(found(x).nodule, expected(x))
    assert found(x).gland is None


@pytest.mark.parametrize(
    ("encoder", "model"),
    [
        ("resnet18", load_torchvision().models.resnet18),
        ("tu-test_resnet", lambda: load_timm().create_model("test_resnet", pretrained=False)),
    ],
)
def test_a_file_is_loaded_into_every_weight_of_the_encoder(tmp_path, encoder, model):
    source = model()
    write_tensors(source.state_dict(), tmp_path / "weights.safetensors")
    built = EncoderUNet(encoder=encoder, weights=of_file(tmp_path / "weights.safetensors")).network.encoder
    given = source.state_dict()

    own = {name.removeprefix("model."): value for name, value in built.state_dict().items()}
    assert own
    assert all(torch.equal(value, given[name]) for name, value in own.items())


def test_a_file_of_another_model_is_refused(tmp_path):
    file = tmp_path / "weights.safetensors"
    write_tensors(load_timm().create_model("test_efficientnet", pretrained=False).state_dict(), file)

    with pytest.raises(PipelineError, match=r"does not fit the network, \d+ of \d+ weights are missing"):
        EncoderUNet(encoder="tu-test_resnet", weights=of_file(file))
    with pytest.raises(PipelineError, match="has the SHA-256"):
        EncoderUNet(encoder="tu-test_resnet", weights=of_file(file, sha256="a" * 64))


@pytest.mark.parametrize(
    ("encoder", "reason"),
    [
        ("resnet_34", "Wrong encoder name"),
        ("tu-test_resnat", "Unknown model"),
        ("tu-test_vit", "Unsupported model downsampling pattern"),
        ("tu-swin_s3_tiny_224", "doesn't match model"),
    ],
)
def test_a_model_that_cannot_be_an_encoder_is_one_sentence(encoder, reason):
    with pytest.raises(ParamsError, match=rf"encoder \({encoder}\) cannot be used .*{reason}[^\[]*; write the name"):
        EncoderUNet(encoder=encoder, weights=NONE)


def test_weights_without_their_hash_are_refused():
    with pytest.raises(ValueError, match="needs 'file' and its 'sha256'"):
        EncoderWeights(source="file", file="a.safetensors")
    with pytest.raises(ValueError, match="Input should be 'none' or 'file'"):
        EncoderWeights(source="torchvision")


def test_images_are_normalised_as_the_weights_want_them():
    assert statistics_of_encoder("resnet18") == IMAGENET
    assert statistics_of_encoder("tu-tf_efficientnet_lite0").mean == (0.5, 0.5, 0.5)


@pytest.mark.skipif(not LITE0.exists(), reason="needs the pretrained network of the shared data")
def test_a_real_pretrained_encoder_gives_timms_maps():
    from safetensors.torch import load_file

    reference = load_timm().create_model("tf_efficientnet_lite0", features_only=True)
    reference.load_state_dict(load_file(LITE0), strict=False)
    built = EncoderUNet(encoder="tu-tf_efficientnet_lite0", weights=of_file(LITE0, LITE0_SHA256)).eval()
    x = torch.rand(1, 3, 64, 64)

    with torch.inference_mode():
        found, expected = built.network.encoder(x)[1:], reference.eval()(x)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
