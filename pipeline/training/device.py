"""The device torch computes on, and reproducible results on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from pipeline.foundation.errors import PipelineError


def device_named(name: str) -> torch.device:
    """The torch device of a name; `auto` is a GPU if available. Raises PipelineError for a device that is not."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        msg = f"FUSION_DEVICE ({name}) cannot be used here ({reason}); unset it to choose automatically"
        raise PipelineError(msg) from error
    return device


def check_processes(device: torch.device, *, size: int) -> None:
    """Raise PipelineError if a group of `size` processes would have fewer GPUs than processes."""
    if size > 1 and device.type == "cuda" and size > torch.cuda.device_count():
        raise PipelineError(
            f"params/embed.yaml: key 'training.processes' has the value {size}, but there are "
            f"{torch.cuda.device_count()} GPUs here; set it to that number or less"
        )


def device_of_process(device: torch.device, *, number: int, size: int) -> torch.device:
    """The device of process `number` of a group of `size`: one GPU per process, or the CPU for all."""
    return torch.device("cuda", number) if size > 1 and device.type == "cuda" else device


@contextmanager
def reproducible(*, seed: int, threads: int, device: torch.device, tf32: bool = False) -> Iterator[None]:
    """Inside, torch is seeded by `seed`, uses `threads` CPU threads and deterministic kernels; restored afterwards.

    On a GPU a kernel without a deterministic form is used with a warning. `tf32` lets a GPU round the factors of
    products and convolutions to 10 bits, which is several times faster; without it "float32" means float32.
    """
    before = torch.get_num_threads(), torch.get_deterministic_debug_mode(), torch.get_float32_matmul_precision()
    switches: Any = torch.utils.deterministic
    filled = switches.fill_uninitialized_memory
    random = torch.random.fork_rng(devices=[device] if device.type == "cuda" else [])
    with random, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=tf32):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        # Not `use_deterministic_algorithms`, which imports the compiler of torch (2 s) to set its own switch too.
        torch.set_deterministic_debug_mode("error" if device.type == "cpu" else "warn")
        torch.set_float32_matmul_precision("high" if tf32 else "highest")
        # Nothing here reads memory before writing it; filling it first would cost a tenth of the time.
        switches.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.set_deterministic_debug_mode(before[1])
            torch.set_float32_matmul_precision(before[2])
            switches.fill_uninitialized_memory = filled


def drawn_from(seed: int, *keys: int) -> int:
    """A seed for each `keys` (an epoch, a step, a position), from `seed`: no two share a random stream."""
    low, high = np.random.SeedSequence([seed, *keys]).generate_state(2)
    return int(high) << 32 | int(low)
