"""Two processes that share a batch (gloo, CPU) train the same network as one process."""

import numpy as np
import pytest
import torch
from tiny_study import NO_CHANGE, TinyNet, cohort, training_params
from torch import nn

from pipeline.training import data_parallel
from pipeline.training.device import reproducible
from pipeline.training.trainer import Trainer

CPU = torch.device("cpu")
STUDY = cohort()
STRENGTHS = NO_CHANGE.model_copy(update={"rotation_deg": 10, "flip": 0.5})


class TinyWithNorm(TinyNet):
    """The tiny network after a batch norm, whose running statistics differ by share."""

    def __init__(self):
        super().__init__(None)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x):
        return super().forward(self.norm(x))


def trained(network, **params):
    with reproducible(seed=3, threads=1, device=CPU):
        made = Trainer(
            network(),
            params=training_params(epochs=3, batch_size=10, **params),
            strengths=STRENGTHS,
            normalise="image",
            device=CPU,
        )
        record = made.fit(STUDY.examples(np.arange(47)), forbidden=frozenset(), seed=3)
    return made.weights(), [epoch.train_loss for epoch in record.epochs]


def plain():
    return TinyNet(None)


def one_of_two(rank, folder, network):
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    weights, losses = trained(network)
    torch.save({"weights": weights, "losses": losses}, folder / f"{rank}.pt")
    torch.distributed.destroy_process_group()


def by_two(folder, network):
    torch.multiprocessing.spawn(one_of_two, args=(folder, network), nprocs=2)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


def test_two_processes_end_with_the_weights_of_one(tmp_path):
    weights, losses = trained(plain)
    first, second = by_two(tmp_path, plain)

    for name, value in weights.items():
        assert torch.equal(first["weights"][name], second["weights"][name])
        assert value.numpy() == pytest.approx(first["weights"][name].numpy(), abs=1e-5)
    assert first["losses"] == second["losses"]
    assert first["losses"] == pytest.approx(losses, rel=1e-5)


def test_batch_norms_end_equal_in_both(tmp_path):
    first, second = by_two(tmp_path, TinyWithNorm)

    assert all(torch.equal(value, second["weights"][name]) for name, value in first["weights"].items())


def test_alone_nothing_is_shared():
    network, total = plain(), torch.tensor(3.0)

    assert data_parallel.shared(network, device=CPU, partly_used=False) is network
    assert data_parallel.mean_over_group(total) is total
    assert (data_parallel.rank(), data_parallel.size()) == (0, 1)
    with data_parallel.process_group(size=1, device=CPU):
        assert not torch.distributed.is_initialized()
