"""torchvision can be imported, and nothing is declared if its operators exist."""

import subprocess
import sys

import torch

from pipeline.networks.torchvision_import import NAMES, declare_missing_operators, load_torchvision


def test_models_and_transforms_are_usable():
    torchvision = load_torchvision()

    assert torchvision is load_torchvision()
    assert torchvision.models.resnet18(num_classes=1).eval()(torch.zeros(1, 3, 32, 32)).shape == (1, 1)
    assert torchvision.transforms.v2.RandomHorizontalFlip(1.0)(torch.arange(3.0)[None, None]).flatten()[0] == 2


def test_existing_operators_are_not_redeclared():
    load_torchvision()

    assert all(hasattr(torch.ops.torchvision, name) for name in NAMES)
    assert declare_missing_operators.__wrapped__() is None


def test_importing_the_module_declares_nothing():
    code = "import pipeline.networks.torchvision_import as t, sys; sys.exit('torchvision' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
