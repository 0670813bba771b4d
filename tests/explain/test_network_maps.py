"""Maps of the saved networks: how each kind of network has one, and different weights give different maps."""

import numpy as np
import pytest
import torch
from places import ROOT

from pipeline.embed.params import EmbedParams
from pipeline.explain.examples import Example
from pipeline.explain.network_maps import network_maps
from pipeline.foundation.errors import PipelineError
from pipeline.foundation.params import load_params
from pipeline.networks.registry import build_network
from pipeline.networks.weights import write_tensors

EMBED = load_params(ROOT / "params" / "embed.yaml", EmbedParams)


def params(net, **changes):
    if net == "dualview":
        changes = {"backbone": "carnet"} | changes
    return EMBED.model_copy(update={net: getattr(EMBED, net).model_copy(update=changes)})


def save(embed, net, folder, *, seed):
    """Save a network with random weights as the embed stage saves a trained one."""
    torch.manual_seed(seed)
    members = embed.members_of(net)
    weights = {}
    for member in members:
        prefix = f"{member.name}." if len(members) > 1 else ""
        weights |= {prefix + key: value for key, value in build_network(member).state_dict().items()}
    write_tensors(weights, folder / "final_a.safetensors")


def example(view="long", side=64):
    grey = np.random.default_rng(1).integers(0, 256, (1, side, side)).astype(np.uint8)
    return Example(
        kind="true positive",
        patient_id="p",
        image_id="i",
        view=view,
        score=0.9,
        threshold=0.5,
        planes=grey,
        lesion=np.ones((side, side), dtype=np.uint8),
    )


def maps(embed, net, folder, *, kind="coordinate_attention", examples=None):
    shown = [example()] if examples is None else examples
    return network_maps(shown, net=net, kind=kind, embed=embed, folder=folder, seed=1)


@pytest.mark.parametrize(
    ("net", "changes"),
    [
        ("carnet", {}),
        ("ptcrnet", {}),
        ("ptcrnet", {"combine": "concat"}),
        ("dualview", {}),
        ("dualview", {"mode": "two_branch"}),
    ],
)
@pytest.mark.parametrize("kind", ["coordinate_attention", "grad_cam"])
def test_different_weights_give_different_maps(net, changes, kind, tmp_path):
    embed, found = params(net, **changes), []
    for seed in range(3):  # a map of random weights may be 0 everywhere: nothing raises the logit
        save(embed, net, tmp_path, seed=seed)
        (heat,) = maps(embed, net, tmp_path, kind=kind)
        found.append(heat)

    assert all(heat.shape == (64, 64) and heat.dtype == np.float32 for heat in found)
    assert max(np.abs(found[0] - found[1]).max(), np.abs(found[1] - found[2]).max()) > 0.1


def test_each_branch_shows_its_own_view(tmp_path):
    embed = params("dualview", mode="two_branch")
    save(embed, "dualview", tmp_path, seed=1)
    long, trans, other = maps(embed, "dualview", tmp_path, examples=[example(), example("trans"), example("axial")])

    assert np.abs(long - trans).max() > 0.1
    assert other is None  # a view the network does not know


def test_views_fused_early_have_no_map(tmp_path):
    embed = params("dualview", mode="early")
    save(embed, "dualview", tmp_path, seed=1)

    assert maps(embed, "dualview", tmp_path, kind="grad_cam") == [None]


def test_nothing_saved_nothing_shown(tmp_path):
    assert maps(EMBED, "carnet", tmp_path) == [None]


def test_a_network_without_spatial_dimensions_has_no_grad_cam(tmp_path):
    embed = params("vit", image_size_px=64)
    save(embed, "vit", tmp_path, seed=1)

    assert maps(embed, "vit", tmp_path, kind="grad_cam") == [None]


def test_coordinate_attention_is_refused_for_a_network_without_it(tmp_path):
    with pytest.raises(PipelineError, match="densenet121 has no coordinate attention; set network: carnet"):
        maps(EMBED, "densenet121", tmp_path)


def test_two_halves_are_averaged(tmp_path):
    save(EMBED, "carnet", tmp_path, seed=1)
    (first,) = maps(EMBED, "carnet", tmp_path)
    (tmp_path / "final_a.safetensors").rename(tmp_path / "final_b.safetensors")
    save(EMBED, "carnet", tmp_path, seed=2)
    (both,) = maps(EMBED, "carnet", tmp_path)
    (tmp_path / "final_b.safetensors").unlink()
    (second,) = maps(EMBED, "carnet", tmp_path)

    assert both == pytest.approx((first + second) / 2, abs=1e-6)
