"""Data-parallel training: each process takes its share of every batch, and the gradients are averaged.

One process per GPU (NCCL), or on CPUs (gloo). Outside such a group every function acts as for a single process.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@contextmanager
def process_group(*, size: int, device: torch.device) -> Iterator[None]:
    """Join the group that `torchrun` has started (address in its environment); nothing for a `size` of 1."""
    if size == 1:
        yield
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    """The number of this process in its group, from 0; only process 0 writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes share a batch."""
    return dist.get_world_size() if dist.is_initialized() else 1


def shared(network: nn.Module, *, device: torch.device, partly_used: bool) -> nn.Module:
    """The network to train with: its gradients are averaged over the group, and all start from process 0's weights.

    Batch norm uses the share of its process: one over all processes would deadlock if a share has no image of a view
    and so skips its branch. `partly_used`: some steps skip layers of the network, such as a branch.
    """
    if size() == 1:
        return network
    places = [device.index] if device.type == "cuda" else None
    return DistributedDataParallel(network, device_ids=places, find_unused_parameters=partly_used)


def mean_over_group(total: Tensor) -> Tensor:
    """The mean over the group of a sum that each process has for its share (one process: the sum itself)."""
    if size() == 1:
        return total
    found = total.detach().clone()
    dist.all_reduce(found)
    return found / size()


def same_everywhere(network: nn.Module) -> None:
    """Copy the running statistics of process 0 to all processes, each of which had learned its own on its shares."""
    if size() > 1:
        for buffer in network.buffers():
            dist.broadcast(buffer, src=0)
