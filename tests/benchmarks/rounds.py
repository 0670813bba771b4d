"""Times ways of doing the same thing side by side, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Callable

import torch

ROUNDS = 5


def seconds(ways: dict[str, Callable[[], object]], *, device: torch.device) -> dict[str, float]:
    """The median time of each way over the rounds, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found[1:]) for name, found in times.items()}
