"""What is kept of trained networks: cards, weights of `final`, losses."""

import json

import pandas as pd
import torch

from pipeline.networks.weights import read_tensors
from pipeline.segment.cases import Segmented
from pipeline.segment.jobs import SegmentJob
from pipeline.segment.notes import NO_NETWORKS, note_no_networks
from pipeline.segment.trained_networks import write_networks


def result(resample, *, weights=None):
    job = SegmentJob(network="unet", resample=resample, part="all", trained=frozenset(), predicted={}, extra={})
    about = {"network": "unet", "resample": resample, "part": "all"}
    losses = [about | {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": None} for epoch in (2, 10, 1)]
    return Segmented(job=job, rows=[], card=about | {"seed": 7}, losses=losses, weights=weights or {})


def test_cards_weights_and_losses(tmp_path):
    write_networks([result("final", weights={"a": torch.arange(3.0)}), result("cv-1-1")], folder=tmp_path)

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")) == [
        "losses.csv",
        "unet/cv-1-1_all.json",
        "unet/final_all.json",
        "unet/final_all.safetensors",
    ]
    assert json.loads((tmp_path / "unet/final_all.json").read_text())["seed"] == 7
    assert torch.equal(read_tensors(tmp_path / "unet/final_all.safetensors")["a"], torch.arange(3.0))
    losses = pd.read_csv(tmp_path / "losses.csv")
    assert losses["resample"].tolist() == ["cv-1-1"] * 3 + ["final"] * 3
    assert losses["epoch"].tolist() == [1, 2, 10] * 2


def test_no_network_is_a_note(tmp_path):
    note_no_networks(tmp_path / "networks")

    assert [path.name for path in (tmp_path / "networks").iterdir()] == [NO_NETWORKS]
