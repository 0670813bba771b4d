"""An unfinished training on disk: written completely or not at all, no code in it, not too often."""

import errno
import math
import os
import pickle

import pytest
import torch

from pipeline.training.state import BestWeights, Epoch, TrainingState


def test_what_was_saved_comes_back(tmp_path):
    state = TrainingState(tmp_path / "deep" / "a.epoch", every_s=0)
    assert state.load() is None
    state.save({"network": {"w": torch.ones(2)}, "best": {"loss": math.inf, "epoch": 0}, "history": [{"epoch": 1}]})
    found = TrainingState(tmp_path / "deep" / "a.epoch").load()

    assert torch.equal(found["network"]["w"], torch.ones(2))
    assert found["best"] == {"loss": math.inf, "epoch": 0}
    assert found["history"] == [{"epoch": 1}]
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["a.epoch"]

    state.remove()
    assert state.load() is None


def test_it_is_due_only_after_its_interval(tmp_path):
    assert TrainingState(tmp_path / "a", every_s=0).is_due()
    assert not TrainingState(tmp_path / "a", every_s=60).is_due()
    assert not TrainingState(None, every_s=0).is_due()
    assert TrainingState(None).load() is None


def test_slow_writing_is_done_less_often(tmp_path, monkeypatch):
    clock = iter([0.0, 100.0, 103.0, 150.0, 170.0])
    monkeypatch.setattr("pipeline.training.state.time.monotonic", lambda: next(clock))
    state = TrainingState(tmp_path / "a", every_s=10)
    state.save({})  # from 100 to 103: three seconds are a twentieth of sixty

    assert not state.is_due()  # at 150
    assert state.is_due()  # at 170


def test_code_in_the_file_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    torch.save({"network": Evil()}, tmp_path / "a")
    with pytest.raises(pickle.UnpicklingError):
        TrainingState(tmp_path / "a").load()
    assert not (tmp_path / "owned").exists()


def test_the_best_epoch_is_the_first_with_the_lowest_loss():
    network, best = torch.nn.Linear(1, 1), BestWeights()
    for number, loss in enumerate((0.7, 0.5, 0.5, 0.9), 1):
        torch.nn.init.constant_(network.weight, number)
        best.update(Epoch(epoch=number, train_loss=0.0, validation_loss=loss), network)
    best.update(Epoch(epoch=5, train_loss=0.0, validation_loss=None), network)

    assert (best.epoch, best.loss) == (2, 0.5)
    assert best.weights["weight"].item() == 2


@pytest.mark.parametrize("kept", [0, 10, 400])
def test_a_cut_file_is_deleted_and_the_training_starts_again(tmp_path, kept):
    state = TrainingState(tmp_path / "a.epoch")
    state.save({"weights": torch.ones(100)})
    whole = state.path.read_bytes()
    state.path.write_bytes(whole[:kept])

    assert state.load() is None
    assert not state.path.exists()


def test_a_state_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    state = TrainingState(tmp_path / "a.epoch")
    state.save({"epoch": 1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        state.save({"epoch": 2})

    assert state.load() == {"epoch": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["a.epoch"]
