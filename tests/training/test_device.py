"""Devices by name, settings of torch restored, independent seeds."""

import subprocess
import sys

import pytest
import torch
from places import ROOT

from pipeline.foundation.errors import PipelineError
from pipeline.training.device import check_processes, device_named, device_of_process, drawn_from, reproducible

CPU = torch.device("cpu")


def settings():
    return (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.get_float32_matmul_precision(),
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.backends.cudnn.deterministic,
    )


@pytest.mark.parametrize(("tf32", "precision"), [(True, "high"), (False, "highest")])
def test_settings_of_torch_are_restored(tf32, precision):
    state, before = torch.random.get_rng_state(), settings()
    with reproducible(seed=1, threads=2, device=CPU, tf32=tf32):
        torch.rand(1)
        assert settings() == (2, True, False, precision, False, True)
        assert torch.backends.cudnn.enabled

    assert settings() == before
    assert torch.equal(torch.random.get_rng_state(), state)


def test_inference_does_not_import_the_compiler_of_torch():
    code = """
import sys, torch
from pipeline.training.device import reproducible
with reproducible(seed=1, threads=1, device=torch.device("cpu")):
    torch.nn.Linear(2, 2)(torch.ones(1, 2))
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_an_unavailable_device_is_one_sentence():
    assert device_named("cpu") == CPU
    with pytest.raises(PipelineError, match=r"FUSION_DEVICE \(gpu0\) cannot be used here"):
        device_named("gpu0")


def test_each_process_has_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    gpu = torch.device("cuda")

    assert device_of_process(CPU, number=1, size=2) == CPU
    assert device_of_process(gpu, number=0, size=1) == gpu
    assert device_of_process(gpu, number=1, size=2) == torch.device("cuda", 1)
    check_processes(gpu, size=2)
    check_processes(CPU, size=3)
    with pytest.raises(PipelineError, match=r"'training.processes' has the value 3, but there are 2 GPUs here"):
        check_processes(gpu, size=3)


def test_seeds_differ_by_every_key():
    seeds = {drawn_from(7, a, b, c) for a in range(3) for b in range(3) for c in range(3)} | {drawn_from(8, 0, 0, 0)}

    assert len(seeds) == 28
    assert drawn_from(7, 1, 2, 3) == drawn_from(7, 1, 2, 3)
    assert all(0 <= seed < 2**64 for seed in seeds)
