"""The folder of a network holds only the requested files, in bytes that depend on the content alone."""

import json

import torch

from pipeline.embed.cards import write_card, write_losses


def test_card_and_weights(tmp_path):
    write_card({"b": 1, "a": "é"}, weights={}, folder=tmp_path / "net", name="cv-1-1_a")
    write_card({"b": 2}, weights={"w": torch.ones(2)}, folder=tmp_path / "net", name="final_a")

    assert sorted(file.name for file in (tmp_path / "net").iterdir()) == [
        "cv-1-1_a.json",
        "final_a.json",
        "final_a.safetensors",
    ]
    assert json.loads((tmp_path / "net" / "cv-1-1_a.json").read_text(encoding="utf-8")) == {"a": "é", "b": 1}


def test_losses_are_sorted_and_an_empty_list_has_a_header(tmp_path):
    row = {"resample": "final", "part": "b", "network": "net", "epoch": 1, "train_loss": 0.5, "validation_loss": None}
    write_losses([row, row | {"part": "a"}], folder=tmp_path)
    assert (tmp_path / "losses.csv").read_text().splitlines()[1:] == ["final,a,net,1,0.5,", "final,b,net,1,0.5,"]

    write_losses([], folder=tmp_path)
    assert (tmp_path / "losses.csv").read_text() == "resample,part,network,epoch,train_loss,validation_loss\n"
